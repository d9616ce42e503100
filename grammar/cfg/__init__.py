"""Context-free grammars: text form, rule tables, structural checks, compact and character forms."""
