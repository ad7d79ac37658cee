"""The plainest frame around a plugin's pages; the embedded EMR has its own."""

from urllib.parse import urlencode

from markupsafe import Markup

_PAGE = Markup(
    '<!doctype html>\n<html lang="en-CA">\n<head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title></head>\n'
    "<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
)


class PlainPages:
    """Pages without header, menu and footer, at the embedded EMR's addresses."""

    def render(self, *, title: str, body: Markup, section: str) -> str:
        """A complete page that holds nothing but `body`."""
        return str(_PAGE.format(title=title, body=body))

    def patient_href(self, patient_id: int) -> str:
        """The address of the patient's Master Record."""
        return f"/patients/{patient_id}"

    def sign_in_href(self, back_to: str) -> str:
        """The address at which to sign in and come back to the path `back_to`."""
        return "/sign-in?" + urlencode({"next": back_to})
