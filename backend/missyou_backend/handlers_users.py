"""The routes of users, their tokens and their devices."""

from __future__ import annotations

from missyou_backend import consents, devices, limits, tokens, users
from missyou_backend.limits import EVERYBODY, subject_of_address
from missyou_backend.models import (
    Device,
    DeviceList,
    NewDevice,
    NewToken,
    NewTokenValue,
    NewUser,
    SignedUp,
    TokenList,
    User,
    UserList,
    UserQuery,
)
from missyou_backend.problems import (
    ALREADY_SIGNED_UP,
    NOT_FOUND,
    TOO_MANY,
    TOO_MANY_TOKENS,
    USERNAME_TAKEN,
    Problem,
    not_found,
)
from missyou_backend.routes import Answer, Backend, Call, Door, Response, Routes

ROUTES = Routes()
LOCATION = {"Location": "The path of the new resource."}
#: RFC 6750, section 5.3: an answer with a token is not for caches.
_SECRET = {"Cache-Control": "no-store"}


@ROUTES.declare(
    "post",
    "/v1/users",
    {201: Response("The new user, with a token that is shown this once.", SignedUp, LOCATION)},
    USERNAME_TAKEN,
    ALREADY_SIGNED_UP,
    TOO_MANY,
    body=NewUser,
    door=Door.SIGN_UP,
)
def create_user(backend: Backend, call: Call) -> Answer:
    """Sign up: create a user and a token, and link the Firebase account whose ID token is sent, if one is."""
    body: NewUser = call.body
    # Counted whether or not it succeeds: the answer says whether a name is taken.
    with backend.database.transaction() as connection:
        limits.take(connection, backend.limits.signups_address, subject_of_address(call.address))
        limits.take(connection, backend.limits.signups, EVERYBODY)
    with backend.database.transaction() as connection:
        user = users.create(connection, body.username)
        if user is None:
            raise Problem(
                USERNAME_TAKEN, "This username is taken (upper and lower case count as the same). Choose another."
            )
        if call.firebase_uid and not users.link(connection, user.id, call.firebase_uid):
            raise Problem(ALREADY_SIGNED_UP, "This Firebase account has signed up: its ID token is accepted as it is.")
        token = tokens.create(connection, user.id)
    if token is None:
        raise TypeError("a new user has no tokens")
    made = SignedUp(id=user.id, username=user.username, token=token.token)
    return Answer(201, made, {"Location": f"/v1/users/{user.id}", **_SECRET})


@ROUTES.declare(
    "get",
    "/v1/users",
    {200: Response("The user of exactly this name, regardless of case, if there is one.", UserList)},
    TOO_MANY,
    query=UserQuery,
    door=Door.USER,
)
def find_user(backend: Backend, call: Call) -> Answer:
    """Find a user by their whole name."""
    query: UserQuery = call.query
    with backend.database.transaction() as connection:
        limits.take(connection, backend.limits.finds, call.user.user_id)
        found = users.with_name(connection, query.username)
    return Answer(200, UserList(items=[found] if found else []))


@ROUTES.declare(
    "get",
    "/v1/users/{id}",
    {200: Response("The caller, or somebody who has asked or accepted the caller.", User)},
    NOT_FOUND,
    door=Door.USER,
)
def get_user(backend: Backend, call: Call) -> Answer:
    """Get oneself, or a user who has asked or accepted the caller."""
    id_, caller = call.path["id"], call.user.user_id
    with backend.database.transaction() as connection:
        consent = consents.known(connection, caller, id_)
        names = users.names(connection, {caller})
    if id_ == caller and caller in names:
        return Answer(200, User(id=caller, username=names[caller]))
    if consent is None:
        raise not_found("user")
    return Answer(200, User(id=consent.user_id, username=consent.username))


@ROUTES.declare("delete", "/v1/users/{id}", {204: Response("The user and all that was theirs is gone.")})
def erase_user(backend: Backend, call: Call) -> Answer:
    """Erase oneself: messages sent and received, devices, tokens, consents. The username is free again."""
    users.erase(backend.database, call.user.user_id)
    return Answer(204)


@ROUTES.declare(
    "post",
    "/v1/users/{id}/tokens",
    {201: Response("The new token. Its value is shown this once.", NewTokenValue, LOCATION)},
    TOO_MANY_TOKENS,
    TOO_MANY,
    body=NewToken,
)
def create_token(backend: Backend, call: Call) -> Answer:
    """Create another token, for another phone."""
    body: NewToken = call.body
    user_id = call.user.user_id
    with backend.database.transaction() as connection:
        limits.take(connection, backend.limits.tokens, user_id)
        token = tokens.create(connection, user_id, body.name)
    if token is None:
        detail = f"A user has at most {tokens.MAX_TOKENS} tokens. Revoke one: DELETE /v1/users/{user_id}/tokens/<id>."
        raise Problem(TOO_MANY_TOKENS, detail)
    return Answer(201, token, {"Location": f"/v1/users/{user_id}/tokens/{token.id}", **_SECRET})


@ROUTES.declare("get", "/v1/users/{id}/tokens", {200: Response("The tokens without their values.", TokenList)})
def list_tokens(backend: Backend, call: Call) -> Answer:
    """List the user's tokens, without their values."""
    with backend.database.transaction() as connection:
        return Answer(200, TokenList(items=tokens.of_user(connection, call.user)))


@ROUTES.declare("delete", "/v1/users/{id}/tokens/{tokenId}", {204: Response("The token is worthless.")})
def revoke_token(backend: Backend, call: Call) -> Answer:
    """Revoke a token, at once."""
    with backend.database.transaction() as connection:
        if not tokens.revoke(connection, call.user.user_id, call.path["tokenId"]):
            raise not_found("token")
    return Answer(204)


@ROUTES.declare(
    "post",
    "/v1/users/{id}/devices",
    {
        200: Response("The device, registered again. If it was another user's, it now belongs to this one.", Device),
        201: Response("The new device.", Device, LOCATION),
    },
    TOO_MANY,
    body=NewDevice,
)
def register_device(backend: Backend, call: Call) -> Answer:
    """Register a device, or register it again."""
    body: NewDevice = call.body
    user_id = call.user.user_id
    with backend.database.transaction() as connection:
        limits.take(connection, backend.limits.devices, user_id)
        device, is_new = devices.register(connection, user_id, body)
    headers = {"Location": f"/v1/users/{user_id}/devices/{device.id}"} if is_new else {}
    return Answer(201 if is_new else 200, device, headers)


@ROUTES.declare(
    "get",
    "/v1/users/{id}/devices",
    {200: Response("The devices, most recently registered first.", DeviceList)},
)
def list_devices(backend: Backend, call: Call) -> Answer:
    """List the user's devices."""
    with backend.database.transaction() as connection:
        return Answer(200, DeviceList(items=devices.of_user(connection, call.user.user_id)))


@ROUTES.declare("delete", "/v1/users/{id}/devices/{deviceId}", {204: Response("The device is removed.")})
def remove_device(backend: Backend, call: Call) -> Answer:
    """Remove a device."""
    with backend.database.transaction() as connection:
        if not devices.remove(connection, call.user.user_id, call.path["deviceId"]):
            raise not_found("device")
    return Answer(204)
