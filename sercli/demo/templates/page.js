() => {
  // The recordings that this page sent, by the folder that the server gave each. The server deletes them
  // after the answer, so parts of a recording are played from here.
  const recordings = new Map();
  const MOST = 40; // recordings that are kept without an answer on the page, such as parts of live speech
  const player = new Audio();
  let playing = "";

  const groups = (name) => document.querySelectorAll(`.sercli-spans[data-recording="${CSS.escape(name)}"]`);

  const keep = (path, file) => {
    recordings.set(path.split(/[\\/]/).at(-2), file);
    const unused = [...recordings.keys()].filter((name) => groups(name).length === 0);
    unused.slice(0, -MOST).forEach((name) => recordings.delete(name));
  };

  const fetchOfBrowser = window.fetch;
  window.fetch = async (...given) => {
    const answer = await fetchOfBrowser(...given);
    const body = given[1]?.body;
    if (answer.ok && body instanceof FormData && body.has("files")) {
      const paths = await answer.clone().json();
      body.getAll("files").forEach((file, number) => keep(paths[number], file));
    }
    return answer;
  };

  // Browsers call the recordings of some phones films or nothing at all, and Gradio accepts "audio/..." only.
  // The server reads the sound of films too, and explains what it can't read.
  const { get: typeOf } = Object.getOwnPropertyDescriptor(Blob.prototype, "type");
  Object.defineProperty(File.prototype, "type", {
    get() {
      return (typeOf.call(this) || "audio/unknown").replace("video/", "audio/");
    },
  });

  const mark = () => {
    const time = player.currentTime;
    for (const button of document.querySelectorAll(".sercli-spans button")) {
      const own = button.parentElement.dataset.recording === playing;
      const within = Number(button.dataset.start) <= time && time < Number(button.dataset.end);
      button.setAttribute("aria-pressed", String(own && within && !player.paused));
    }
  };
  for (const event of ["playing", "timeupdate", "pause", "ended"]) player.addEventListener(event, mark);

  const say = (button, text) => {
    button.parentElement.nextElementSibling.textContent = text;
  };

  const play = async (button) => {
    const name = button.parentElement.dataset.recording;
    const file = recordings.get(name);
    if (file === undefined) {
      say(button, "This browser no longer has the recording; send it again.");
      return;
    }
    URL.revokeObjectURL(player.src.split("#")[0]);
    playing = name;
    player.src = `${URL.createObjectURL(file)}#t=${button.dataset.start},${button.dataset.end}`;
    try {
      await player.play();
      say(button, "");
    } catch (error) {
      if (error.name !== "AbortError") say(button, "This browser can't play the format of the recording.");
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".sercli-spans button");
    if (!button) return;
    focusOn(button);
    if (button.getAttribute("aria-pressed") === "true") player.pause();
    else play(button);
  });

  // A group has one place in the order of the tab key; arrow keys move within it.
  const focusOn = (button) => {
    for (const each of button.parentElement.children) each.tabIndex = each === button ? 0 : -1;
    button.focus();
  };
  document.addEventListener("keydown", (event) => {
    const button = event.target.closest?.(".sercli-spans button");
    const all = button ? [...button.parentElement.children] : [];
    const at = all.indexOf(button);
    const next = {ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1};
    if (!button || !(event.key in next)) return;
    event.preventDefault();
    if (all[next[event.key]]) focusOn(all[next[event.key]]);
  });

  // What Gradio leaves out for screen readers. Tabs are drawn when they are first opened.
  const complete = () => {
    for (const id of ["sercli-recorded", "sercli-uploaded", "sercli-several"])
      document.getElementById(id)?.setAttribute("aria-live", "polite");
    for (const input of document.querySelectorAll("input[type=file][accept]"))
      if (!input.accept.includes("video/")) input.accept += ", video/webm, video/mp4, video/3gpp, .m4a, .amr, .opus, .aiff";
    for (const svg of document.querySelectorAll("button svg:not([aria-hidden]), label svg:not([aria-hidden])"))
      svg.setAttribute("aria-hidden", "true");
    for (const button of document.querySelectorAll("button.label-wrap"))
      if (button.ariaExpanded !== String(button.classList.contains("open")))
        button.ariaExpanded = String(button.classList.contains("open"));
    const selected = document.querySelector("[role=tab][aria-selected=true]")?.innerText ?? "";
    for (const panel of document.querySelectorAll("[role=tabpanel]"))
      if (panel.offsetParent !== null && panel.ariaLabel !== selected) panel.ariaLabel = selected;
  };
  complete();
  const watched = {childList: true, subtree: true, attributeFilter: ["class", "aria-selected"]};
  new MutationObserver(complete).observe(document.body, watched);
}
