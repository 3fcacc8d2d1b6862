"""Who is there. Read `board` first: from devices here and at other processes to one state for each person.

    connections ─► local ─┐
                          ├─► board ─► component: as the person wishes, to who watches, once a second
    other processes ─► peers ┘

`states`, `local`, `peers` and `board` are told the time and do nothing else, so that tests can make up any history.
"""
