"""Losses and class weights: plain functions of logits and targets, one file each."""
