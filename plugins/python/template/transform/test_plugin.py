import unittest

from plugin import Word, split_words
from tidemill_plugin import testing


class SplitWords(unittest.TestCase):
    def test_words_are_lower_case(self):
        self.assertEqual(list(split_words("To be")), [Word("to"), Word("be")])

    def test_a_line_with_a_long_word_is_refused(self):
        answer = testing.transform(split_words, "line: utf8", [{"line": "to " + "e" * 65}, {"line": "be"}])
        self.assertEqual(answer.rows, [{"word": "be"}])
        self.assertEqual(answer.rejects, [(0, "a word has 65 characters, at most 64 are allowed")])
