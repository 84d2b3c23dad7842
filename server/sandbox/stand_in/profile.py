"""Gmail's users.getProfile and users.settings.sendAs."""

from server.sandbox.stand_in.errors import make_not_found
from server.sandbox.stand_in.mailbox import get_history_id
from server.sandbox.stand_in.rest import Call, Json


def get_profile(call: Call) -> Json:
    """Answer the address, the totals and the newest history id."""
    query = "SELECT count(*) AS messages, count(DISTINCT thread_id) AS threads FROM message WHERE account = ?"
    totals = call.db.execute(query, (call.account,)).fetchone()
    return {
        "emailAddress": call.account,
        "messagesTotal": totals["messages"],
        "threadsTotal": totals["threads"],
        "historyId": str(get_history_id(call.db, call.account)),
    }


def list_send_as(call: Call) -> Json:
    """Answer the addresses this account may send as: its own."""
    return {"sendAs": [get_send_as(call, call.account)]}


def get_send_as(call: Call, sendAsEmail: str) -> Json:
    """Answer one address this account may send as."""
    row = call.db.execute("SELECT * FROM account WHERE email = ?", (sendAsEmail.lower(),)).fetchone()
    if row is None or row["email"] != call.account:
        raise make_not_found()
    return {
        "sendAsEmail": row["email"], "displayName": row["name"], "replyToAddress": "", "signature": "",
        "isPrimary": True, "isDefault": True,
    }  # fmt: skip


METHODS = {
    "getProfile": get_profile,
    "settings.sendAs.list": list_send_as,
    "settings.sendAs.get": get_send_as,
}
