"""A person who demonstrates, as a program: it sees the states, and its hands are virtual devices."""
