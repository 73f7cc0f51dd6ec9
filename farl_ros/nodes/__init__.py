"""The nodes, one file each: parameters, callbacks, one call into ``farl``."""
