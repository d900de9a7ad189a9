"""Front page, login, tokens, and the few `/xapi` answers that clients ask for first (sections 1.1 and 2.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qs

from .accounts import Accounts, NotLoggedIn
from .records import GROUP_NAMES
from .state import State
from .wire import Answer, Refusal, Request, as_json, status_page, table, text

_USER_PAGE = (
    '<!DOCTYPE html>\n<html><body><span id="user_info">Logged in as: &nbsp;<a href="#">{}</a></span></body></html>'
)


def front_page(request: Request) -> Answer:
    return Answer(_USER_PAGE.format(request.user.name).encode(), content_type="text/html; charset=UTF-8")


def session_cookie(state: State, jsession: str) -> tuple[tuple[str, str], ...]:
    timeout = int(state.settings.session_timeout * 1000)
    now = int(datetime.now().timestamp() * 1000)
    return (
        ("Set-Cookie", f"JSESSIONID={jsession}; Path=/; HttpOnly"),
        ("Set-Cookie", f'SESSION_EXPIRATION_TIME="{now},{timeout}"; Path=/'),
    )


def authenticate(accounts: Accounts, request: Request) -> Answer:
    """`PUT|POST /data/services/auth` with a form; the answer is the bare JSESSIONID."""
    form = {key: values[0] for key, values in parse_qs(request.text(), keep_blank_values=True).items()}
    name = form.get("username") or form.get("j_username", "")
    password = form.get("password") or form.get("j_password", "")
    try:
        jsession = accounts.log_in(name, password)
    except NotLoggedIn:
        return status_page(401, "Authentication failed.")
    return Answer(jsession.encode(), headers=session_cookie(accounts.state, jsession))


def who(request: Request) -> Answer:
    return text(f"User '{request.user.name}' is logged in")


def jsession(accounts: Accounts, request: Request) -> Answer:
    if request.method == "DELETE":
        accounts.log_out(request.jsession)
        return text("")
    csrf = f"; XNAT_CSRF={accounts.csrf_token(request.jsession)}" if request.flag("CSRF") else ""
    return text(f"{request.jsession}{csrf}")


def tokens(accounts: Accounts, request: Request) -> Answer:
    """`/data/services/tokens/{issue|show|validate|invalidate}[/user/NAME][/ALIAS[/SECRET]]`."""
    words = list(request.segments[2:])
    operation, words = words[0] if words else "", words[1:]
    user = request.user.name
    if words[:1] == ["user"]:
        if words[1:2] != [user] and not request.user.admin:
            raise Refusal(403, "You cannot handle the tokens of another user")
        user, words = words[1], words[2:]
    if request.user.guest or user not in accounts.state.users:
        raise Refusal(403, "Guests have no tokens")
    if operation == "issue":
        alias, secret = accounts.issue_token(user)
        expires = (datetime.now() + timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S")
        return as_json({"alias": alias, "secret": secret, "singleUse": False, "estimatedExpirationTime": expires,
                        "xdatUserId": user})  # fmt: skip
    if operation == "show":
        return as_json([{"alias": a, "xdatUserId": t.user} for a, t in accounts.tokens.items() if t.user == user])
    if operation == "validate" and len(words) == 2:
        token = accounts.tokens.get(words[0])
        valid = token is not None and token.secret == words[1]
        return as_json({"valid": token.user} if token is not None and valid else {})
    if operation == "invalidate" and words:
        token = accounts.tokens.get(words[0])
        if token is not None and token.user != user:
            raise Refusal(403, "You cannot handle the tokens of another user")
        accounts.revoke_token(words[0])
        return text("")
    raise Refusal(400, f"Unknown token operation {operation}")


def build_info(state: State) -> Answer:
    return as_json({"version": state.settings.version, "buildNumber": "0", "commit": "", "timestamp": ""})


def access(state: State, request: Request) -> Answer:
    """`/xapi/access/projects`: the projects of this user, with the role in each."""
    rows = []
    with state.lock:
        for project in state.projects.values():
            role = project.roles.get(request.user.name)
            if role is not None:
                rows.append({"ID": project.id, "name": project.name, "secondary_ID": project.id,
                             "role": GROUP_NAMES[role]})  # fmt: skip
            elif request.user.admin or project.accessibility == "public":
                rows.append({"ID": project.id, "name": project.name, "secondary_ID": project.id, "role": ""})
    return as_json(rows)


def elements() -> Answer:
    return table([])
