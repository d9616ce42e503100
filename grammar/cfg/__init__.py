"""Context-free grammars: text form, rule tables, structural checks, compaction, character grammars."""
