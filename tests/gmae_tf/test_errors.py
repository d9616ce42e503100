"""A message may quote what a stranger wrote."""

import pickle

from gmae_tf.errors import LONGEST, UserError
from grammar.errors import ParseError


def test_a_message_is_kept_as_it_is():
    assert str(UserError("the file é.csv, line 3:\n   日本")) == "the file é.csv, line 3:\n   日本"


def test_control_characters_are_escaped_so_that_they_move_no_cursor():
    assert str(UserError("no file \x1b[2J\0\u202e")) == r"no file \x1b[2J\x00\u202e"


def test_a_long_message_keeps_its_beginning_and_its_end():
    text = str(UserError(f"no {'x' * 10**6}: do this"))
    assert len(text) < LONGEST + 10
    assert text.startswith("no xx")
    assert text.endswith(": do this")
    assert len(str(UserError("\0" * 10**5))) < LONGEST + 10


def test_errors_pass_between_processes_with_their_class():
    again = pickle.loads(pickle.dumps(ParseError("no \x1b")))
    assert isinstance(again, ParseError)
    assert str(again) == r"no \x1b"
