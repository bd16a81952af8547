"""What the holder of a secret may act on: everything, or the pictures of one application."""

from dataclasses import dataclass

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.settings.applications import NONE, Application, Applications


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The pictures that a request may act on.

    With `application`, those of that application; with `outside`, those that belong to none of
    these.
    """

    application: Application | None = None
    outside: Applications = NONE

    @property
    def label(self) -> str | None:
        """The name of the application; None if it is not limited to one."""
        return None if self.application is None else self.application.name

    def covers(self, image: ImageId) -> bool:
        """Whether `check` would not raise."""
        if self.application is not None:
            return self.application.covers(image.name, image.bucket)
        return self.outside.of(image.name, image.bucket) is None

    def check(self, image: ImageId) -> None:
        """Raise OutsideApplication, or SecretRefused without a secret, for another picture."""
        if self.covers(image):
            return
        if self.application is None:
            raise errors.SecretRefused(
                "The secret is missing: this id is one of an application. The field `secret` must "
                "be what the setting `secret` of that application is."
            )
        raise self._refusal("The id must begin")

    def check_prefix(self, prefix: str) -> None:
        """Raise OutsideApplication if other names may begin with that prefix, too."""
        application = self.application
        if application is None:
            return
        if "/" in prefix or not prefix.startswith(application.prefix):
            raise self._refusal("The `prefix` must begin")

    def check_everything(self) -> None:
        """Raise OutsideApplication for a request that is about pictures of all applications."""
        if self.application is not None:
            raise errors.OutsideApplication(
                f"The secret is that of the application `{self.application.name}`; this request "
                "needs one of `admin.secrets`."
            )

    def _refusal(self, what: str) -> errors.OutsideApplication:
        assert self.application is not None
        return errors.OutsideApplication(
            f"{what} with `{self.application.prefix}`: the secret is that of the application "
            f"`{self.application.name}`."
        )


EVERYTHING = Scope()
