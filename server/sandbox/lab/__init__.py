"""The tracking lab: labelled scenarios of people and machines, and how well the rules tell them apart."""
