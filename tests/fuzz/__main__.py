"""`python -m tests.fuzz`: the campaign."""

from tests.fuzz.campaign import main

if __name__ == "__main__":
    main()
