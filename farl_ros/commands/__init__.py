"""The subcommands of ``farl``, one file each."""
