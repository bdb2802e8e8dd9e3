"""The command line and everything that touches tools, ports, emulators and clocks."""
