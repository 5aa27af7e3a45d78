"""A class: its course, tickets, hand-ins, marks and reports. Student code is never run here."""
