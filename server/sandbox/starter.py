"""The mails that the demo member has written before a visitor comes, so that the feed has something to tell."""

from server.messages.compose import Draft

STARTER_MAILS = (
    Draft(
        to=["Kevin Flynn <flynn@flynnsarcade.com>"],
        subject="The quote for your new cabinets",
        html="<p>Hello Kevin,</p><p>here is "
        "<a href='https://www.example.com/quotes/2041?cabinets=12#terms'>the quote for twelve cabinets</a> "
        "that we spoke about. It holds until the end of the month.</p><p>Riley</p>",
    ),
    Draft(
        to=["Alan Bradley <alan@encom.com>", "Lora Baines <lora@encom.com>"],
        subject="Security review of the Tower project",
        html="<p>Dear Alan, dear Lora,</p><p>the "
        "<a href='https://www.example.com/reviews/tower'>summary of the review</a> is ready. "
        "Which day next week suits you for a call?</p><p>Riley</p>",
        individually=True,
    ),
    Draft(
        to=[
            "Inès Moreau <ines.moreau@atelier-lumen.example>",
            "Jonas Weber <jonas.weber@nordwind.example>",
            "Priya Nair <priya.nair@cobaltlabs.example>",
        ],
        subject="Three ways to answer leads sooner",
        html="<p>Hello,</p><p>as promised: <a href='https://www.example.com/guide'>the guide</a>, "
        "<a href='https://www.example.com/guide/checklist'>the checklist</a> and "
        "<a href='https://www.example.com/guide/example'>a worked example</a>.</p><p>Riley</p>",
        individually=True,
    ),
    Draft(
        to=["Hannah Ortiz <ooo.hannah@blueharbor.example>", "bounce.old@blueharbor.example"],
        subject="Renewal of your contract",
        html="<p>Hello Hannah,</p><p>your contract ends in June. "
        "<a href='https://www.example.com/renewal'>Here are the new terms</a>.</p><p>Riley</p>",
        individually=True,
    ),
)
