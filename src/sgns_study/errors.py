"""What a user can put right."""


class StudyError(ValueError):
    """An expected error: its message names the file or key, what was found and what to do.

    The command line prints it without a traceback; any other error is a defect and keeps its own.
    """
