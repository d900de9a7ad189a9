"""The rectangle: the one place that states its convention."""

from __future__ import annotations

from dataclasses import dataclass

from xnat_pixelanon.errors import ConfigurationError


@dataclass(frozen=True, slots=True, order=True)
class Rectangle:
    """Rows top..bottom-1 and columns left..right-1 of the stored matrix, counted from its upper left corner.

    Applies to every frame. Raises ConfigurationError when it covers no pixel or lies above or left of the image.
    """

    top: int
    left: int
    bottom: int
    right: int

    def __post_init__(self) -> None:
        if not (0 <= self.top < self.bottom and 0 <= self.left < self.right):
            raise ConfigurationError(
                f"rectangle {self.text} covers no pixel or starts outside the image",
                hint="rectangles need 0 <= top < bottom and 0 <= left < right",
            )

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices, in the order that numpy wants."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def inside(self, rows: int, columns: int) -> bool:
        """Whether it lies wholly inside an image of rows x columns."""
        return self.bottom <= rows and self.right <= columns

    @property
    def text(self) -> str:
        """For people: `rows 0-52, columns 0-1024`, the end exclusive."""
        return f"rows {self.top}-{self.bottom}, columns {self.left}-{self.right}"

    def as_dict(self) -> dict[str, int]:
        """As in templates.json and in the report."""
        return {"top": self.top, "left": self.left, "bottom": self.bottom, "right": self.right}
