"""`python -m inpaint_tf COMMAND`, the same as `inpaint-tf COMMAND`."""

import sys

from inpaint_tf.commands.dispatcher import main

if __name__ == "__main__":
    sys.exit(main())
