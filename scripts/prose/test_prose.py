"""The tests of scripts/prose: python3 -B -m unittest discover --start-directory scripts/prose"""

import re
import unittest

import check
import texts
from words import WORDS


def messages(text, path="docs/page.md", entries=()):
    return list(check.faults([(path, text)], entries))


class Words(unittest.TestCase):
    def test_each_pattern_has_an_example(self):
        for word in WORDS:
            with self.subTest(word=word.better):
                self.assertRegex(word.wrong, re.compile(word.pattern, re.IGNORECASE))
                self.assertNotRegex(word.right, re.compile(word.pattern, re.IGNORECASE))
                self.assertEqual(messages(word.right), [])

    def test_a_message_names_the_line_and_the_term(self):
        text = "# Title\n\n- One item.\n- The rule in\n  force applies.\n"
        self.assertEqual(messages(text), ["docs/page.md:4: 'in force'; use 'active'"])

    def test_code_and_addresses_are_no_prose(self):
        text = "`in force` [text](in-force.md) <https://in.example/traps>\n\n<!-- a trap -->\n"
        text += "\n```console\n$ echo in force\n```\n"
        self.assertEqual(messages(text), [])
        self.assertEqual(len(messages("| a | a trap |\n")), 1)


class Headings(unittest.TestCase):
    def test_clauses_and_questions_are_reported(self):
        wrong = ["What is logged", "Who is asked", "Is it masked?", "How a policy is read"]
        self.assertEqual(len(messages("".join(f"## {heading}\n" for heading in wrong))), len(wrong))
        self.assertEqual(messages("# False positives\n## Whole numbers\n"), [])


class Sentences(unittest.TestCase):
    def test_only_long_sentences_are_reported(self):
        words = ["word"] * check.LONGEST
        self.assertEqual(messages(f"{' '.join(words)}. {' '.join(words)}.\n"), [])
        self.assertEqual(
            messages(f"A first one.\n{' '.join(words)} more.\n"),
            ["docs/page.md:2: 'word word word word word …' has 26 words; use at most 25"],
        )

    def test_a_clause_as_subject_is_reported(self):
        text = "One sentence. What is\nheld back is forwarded. This is what it does. What now?\n"
        found = "docs/page.md:1: 'What is held back is …' begins with a clause; name the thing"
        self.assertEqual(messages(text), [found])

    def test_a_code_span_is_a_word(self):
        self.assertEqual(len(texts.words(texts.without_code("Run `make test\nA=1` now — or not."))), 5)

    def test_an_abbreviation_ends_no_sentence(self):
        self.assertEqual(len(list(texts.sentences("Some, e.g. this. Version 1.2 is (as said.) *new.* End"))), 4)


class Rustdoc(unittest.TestCase):
    def setUp(self):
        self.folders, check.RUST = check.RUST, ("src/",)

    def tearDown(self):
        check.RUST = self.folders

    def test_questions_and_words_are_reported(self):
        text = '//! Is this a question?\n//!\n//! Why not?\n\n/// A trap.\nfn a() {} // a trap\n\n/// # What it is\n'
        self.assertEqual(
            messages(text, "src/lib.rs"),
            [
                "src/lib.rs:1: 'Is this a question? …' is no summary; use a noun phrase or a third-person verb",
                "src/lib.rs:5: 'trap'; use 'Wasm VM crash'",
                "src/lib.rs:8: heading 'What it is'; use a search term",
            ],
        )
        self.assertIsNone(check.kind_of("integration/a.rs"))

    def test_messages_are_read(self):
        text = "fn a() {\n    // it's \"a trap here\"\n    ('\"', \"trap\", \"after {trap} came\", "
        text += "\"one \\\n      more trap\");\n}\n"
        text += '#[cfg(test)]\nmod tests {\n    const A: &str = "a trap for tests";\n}\n'
        self.assertEqual(messages(text, "src/lib.rs"), ["src/lib.rs:4: 'trap'; use 'Wasm VM crash'"])
        self.assertEqual([message.split(":")[1] for message in messages('r#"a trap "here" is"#\n', "src/lib.rs")], ["1"])


class Comments(unittest.TestCase):
    def test_comments_and_annotations_are_read(self):
        text = "# A trap.\n- alert: Trap\n  expr: trap\n  annotations:\n    summary: 'A {{ trap }}'\n"
        text += "    description: >-\n      Two\n      traps.\n    x: trap\n"
        found = [message.split(";")[0] for message in messages(text, "envoy-config/rules.yaml")]
        self.assertEqual(found, ["envoy-config/rules.yaml:1: 'trap'", "envoy-config/rules.yaml:8: 'traps'"])

    def test_the_help_of_make_is_read(self):
        text = "trap: ## Count each trap\n\t@trap # trap\n"
        self.assertEqual(messages(text, "Makefile"), ["Makefile:1: 'trap'; use 'Wasm VM crash'"])


class Exceptions(unittest.TestCase):
    def test_an_entry_covers_its_words_only(self):
        entries = check.allowed("# comment\ndocs/*.md | trap door | a door\ndocs/other.md | trap | unused\n")
        found = messages("A trap door and a trap.\n", entries=entries)
        self.assertEqual(found, ["docs/page.md:1: 'trap'; use 'Wasm VM crash'"])
        self.assertEqual(list(check.unused(entries)), ["3: the entry matches nothing; remove it"])

    def test_an_entry_needs_a_reason(self):
        for line in ("docs/a.md | trap", "docs/a.md | trap |  "):
            with self.assertRaises(ValueError):
                check.allowed(line)


if __name__ == "__main__":
    unittest.main()
