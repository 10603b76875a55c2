"""What JupyterLab reads: each file as it lies on the disk, but the welcome page with the points of this moment.

`tlcourse learn` names this class to the server that it starts, and to no other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from traitlets import Unicode

from tlcourse import welcome, workspace
from tlcourse.checks import progress
from tlcourse.errors import CourseError


def server_options(root: Path) -> list[str]:
    """Arguments that make a Jupyter server read files through this class, for the course at `root`."""
    return [
        f"--ServerApp.contents_manager_class={__name__}.{CourseContents.__name__}",
        f"--{CourseContents.__name__}.course={root}",
    ]


class CourseContents(AsyncLargeFileManager):
    """Jupyter's own manager of files, which renews the welcome page whenever a browser asks for it."""

    course = Unicode(help="The course's folder.").tag(config=True)

    async def get(self, path: str, content: bool = True, *more: Any, **options: Any) -> Any:
        """A file or folder, as the contents API describes it."""
        if content and path.strip("/") == welcome.NAME:
            self._renew()
        return await super().get(path, content, *more, **options)

    def _renew(self) -> None:
        try:
            welcome.write(workspace.released(Path(self.course)), Path(self.root_dir), progress.load())
        except CourseError as error:  # such as a full disk: the page of the last start is there
            self.log.warning("The welcome page was not renewed. %s", error)
