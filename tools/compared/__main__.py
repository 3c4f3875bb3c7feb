"""Write docs/compared-fields.md."""

from __future__ import annotations

from tools.compared.page import PAGE, page

PAGE.write_text(page())
