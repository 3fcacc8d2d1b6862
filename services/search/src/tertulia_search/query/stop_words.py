"""Words that say nothing about what a question is about, as `text.fold` writes them.

English, German, French, Spanish, Italian and Portuguese, short on purpose: a missing one costs a little precision, one
too many can hide what was asked for.
"""

STOP_WORDS = frozenset(
    """
    a about after all am an and any are as at be been but by can cant could did do does dont for from had has have he
    her him his how i if in into is it its just me my no not of on or our out please she should so some tell than that
    the their them then there these they this to us was we were what whats when where which who whos whose why will with
    would you your
    aber als am an auch auf aus bei bin bis bitte das dass dein dem den der des die du ein eine einem einen einer er es
    fur hat haben ich ihr im ist kann kein mein mit nach nicht noch nur oder sein sich sie sind uber um und uns unser
    von vor wann war warum was wem wen wenn wer wie wir wird wo zu zum zur
    au aux avec ce ces cette comment dans de du elle en est et ete etre il ils je la le les leur lui ma mais mes moi mon
    ne nos notre nous ou par pas pour pourquoi quand que quel quelle qui quoi sa se ses son sont sur ta te tes ton tu un
    une vos votre vous
    al como con cual cuando del donde el ella ellos en era es esta este esto fue ha hay la las lo los mas me mi muy
    nos o para pero por porque que quien se ser si sin sobre son su sus te tu un una uno y ya yo
    che chi ci con cosa da dei del della di dove e gli ho i il io la le lo ma mi ne nel non o per perche piu quando
    quale questo se si sono su sul ti tu un una
    ao aos as com da das de do dos e ela ele em essa esse eu foi isso ja mas me meu na nao nas no nos o os ou para pela
    pelo por porque qual quando que quem se sem seu sua tem um uma voce
    """.split()  # noqa: SIM905 -- a paragraph can be read and kept
)
