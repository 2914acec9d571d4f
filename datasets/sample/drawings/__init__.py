"""The styles, by what they show; each function marked `@style` is one."""
