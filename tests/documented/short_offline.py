"""``farl`` with an offline phase of seconds: ``python -m tests.documented.short_offline offline …``."""

from __future__ import annotations

from farl_ros import offline
from farl_ros.cli import main
from tests.farl_ros.test_cli import small

if __name__ == "__main__":
    offline.offline_settings = small
    main()
