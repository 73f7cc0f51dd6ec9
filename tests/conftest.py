"""What holds for every test."""

import signal

# A shell starts its background jobs with SIGINT ignored, and what they start inherits that: the processes
# that the tests interrupt would go on. Caught here, it is back to normal in all of them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
