"""The starter model of sercli: a trained model without code, in the folder ``starter``."""
