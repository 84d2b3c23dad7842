"""The library: templates, snippets and signatures that members write once, and the merge language they speak."""
