"""`python -m liveresize`: the same as the command `liveresize`."""

from liveresize.cli import main

# A spawned worker imports this module under another name, and must not start a server.
if __name__ == "__main__":
    main()
