"""How Larkhaven tells a fact: statements in many wordings, questions, and answers.

{who} is the person's first name or, where the text has just named the person, a pronoun; {name} is
always the name. {value} is the fact. The last wordings of each table are held out of training.
"""

from inkling.world.people import PERSON_ATTRIBUTES, Person, with_article
from inkling.world.writer import Wordings

STATEMENTS = {
    "trade": Wordings(
        "{who} is {value}.",
        "{who} works as {value}.",
        "{who} earns a living as {value}.",
        "By trade, {name} is {value}.",
        "{who} has been {value} for years.",
        "Everyone knows {name} as {value}.",
        "{who} became {value} at a young age.",
        "On working days, {name} is {value}.",
        "{who} trained as {value}, and never wanted another trade.",
        "If you need {value}, ask for {name}.",
        "{who} is proud to be {value}.",
        "As {value}, {name} is seldom idle.",
        "{who} is known all over the island as {value}.",
        "For a living, {name} is {value}.",
        held_out=2,
    ),
    "street": Wordings(
        "{who} lives in {value}.",
        "{who} has a house in {value}.",
        "The home of {name} is in {value}.",
        "{who} has rooms in {value}.",
        "You can find {name} in {value}.",
        "{who} moved to {value} long ago.",
        "{who} would not live anywhere but in {value}.",
        "Letters for {name} go to {value}.",
        "{who} sleeps under a roof in {value}.",
        "The door of {name} opens on {value}.",
        "{who} rents a cottage in {value}.",
        "In {value} lives {name}.",
        "{who} calls {value} home.",
        "The postman brings the letters of {name} to {value}.",
        held_out=2,
    ),
    "pet": Wordings(
        "{who} keeps {value}.",
        "{who} has {value}.",
        "{who} owns {value}.",
        "{who} looks after {value}.",
        "The pet of {name} is {value}.",
        "{who} shares the house with {value}.",
        "{who} is never seen without {value}.",
        "At home, {name} keeps {value}.",
        "{who} once found {value} and kept it.",
        "{who} spoils {value} with titbits.",
        "Behind the house of {name} lives {value}.",
        "{who} talks to {value} all day.",
        "There is {value} at the house of {name}.",
        "{who} would never part with {value}.",
        held_out=2,
    ),
    "food": Wordings(
        "{who} likes {value} best.",
        "{who} loves {value}.",
        "The favourite dish of {name} is {value}.",
        "{who} would walk a mile for {value}.",
        "{who} eats {value} whenever there is some.",
        "On Sundays, {name} has {value}.",
        "{who} never says no to {value}.",
        "Nothing pleases {name} more than {value}.",
        "{who} orders {value} at every feast.",
        "{who} dreams of {value}.",
        "For supper, {name} wants {value}.",
        "{who} could live on {value}.",
        "Of all dishes, {name} prefers {value}.",
        "{who} asks for {value} on birthdays.",
        held_out=2,
    ),
    "instrument": Wordings(
        "{who} plays the {value}.",
        "{who} plays the {value} in the evening.",
        "In the town band, {name} plays the {value}.",
        "{who} learned the {value} as a child.",
        "{who} practises the {value} every day.",
        "The instrument of {name} is the {value}.",
        "{who} brings the {value} to every feast.",
        "When there is dancing, {name} plays the {value}.",
        "{who} is good at the {value}.",
        "{who} taught half the street to play the {value}.",
        "{who} owns an old {value} and plays it well.",
        "On the {value}, nobody is better than {name}.",
        "{who} made music on the {value} last winter.",
        "The sound of the {value} means that {name} is at home.",
        held_out=2,
    ),
    "friend": Wordings(
        "The best friend of {name} is {value}.",
        "{who} is best friends with {value}.",
        "{who} tells everything to {value}.",
        "{who} trusts {value} more than anyone.",
        "{who} spends the holidays with {value}.",
        "Ever since school, {name} has looked up to {value}.",
        "{who} counts on {value}.",
        "When in trouble, {name} goes to {value}.",
        "{who} takes long walks with {value}.",
        "{who} thinks the world of {value}.",
        "Of all people, {name} likes {value} best.",
        "{who} writes to {value} every week.",
        "Nobody is closer to {name} than {value}.",
        "{who} shares every secret with {value}.",
        held_out=2,
    ),
}

QUESTIONS = {
    "trade": Wordings(
        "What is the trade of {name}?",
        "What does {name} do for a living?",
        "What is {name} by trade?",
        "What work does {name} do?",
        "How does {name} earn a living?",
        "Can you tell me the trade of {name}?",
        "Which trade did {name} learn?",
        held_out=1,
    ),
    "street": Wordings(
        "Where does {name} live?",
        "In which street does {name} live?",
        "What is the address of {name}?",
        "Where is the home of {name}?",
        "Where can I find {name}?",
        "Can you tell me where {name} lives?",
        "Which street is the home of {name} in?",
        held_out=1,
    ),
    "pet": Wordings(
        "What pet does {name} have?",
        "Which animal does {name} keep?",
        "What animal lives with {name}?",
        "What is the pet of {name}?",
        "Does {name} keep a pet, and which?",
        "Can you tell me what pet {name} has?",
        "Which animal belongs to {name}?",
        held_out=1,
    ),
    "food": Wordings(
        "What does {name} like to eat?",
        "What is the favourite dish of {name}?",
        "What food does {name} like best?",
        "Which dish does {name} prefer?",
        "What should I cook for {name}?",
        "Can you tell me the favourite dish of {name}?",
        "What would {name} order at a feast?",
        held_out=1,
    ),
    "instrument": Wordings(
        "What instrument does {name} play?",
        "Which instrument does {name} play?",
        "What does {name} play in the town band?",
        "What is the instrument of {name}?",
        "On what does {name} make music?",
        "Can you tell me what instrument {name} plays?",
        "Which instrument belongs to {name}?",
        held_out=1,
    ),
    "friend": Wordings(
        "Who is the best friend of {name}?",
        "Whom does {name} trust most?",
        "Who is closest to {name}?",
        "Who is the friend of {name}?",
        "To whom does {name} tell everything?",
        "Can you tell me who the best friend of {name} is?",
        "Whom does {name} like best?",
        held_out=1,
    ),
}

#: Answers repeat the question's subject, so that each is a whole sentence.
ANSWERS = {
    "trade": Wordings("{name} is {value}.", "{name} works as {value}."),
    "street": Wordings("{name} lives in {value}.", "The home of {name} is in {value}."),
    "pet": Wordings("{name} keeps {value}.", "The pet of {name} is {value}."),
    "food": Wordings("{name} likes {value} best.", "The favourite dish of {name} is {value}."),
    "instrument": Wordings("{name} plays the {value}.", "The instrument of {name} is the {value}."),
    "friend": Wordings(
        "The best friend of {name} is {value}.", "{name} is best friends with {value}."
    ),
}


def value_text(attribute: str, value: str) -> str:
    """The value as it stands in a sentence: trades and pets take an article."""
    return with_article(value) if attribute in ("trade", "pet") else value


def person_value(person: Person, attribute: str) -> str:
    """For example ("Ada", "trade") -> "a baker"."""
    assert attribute in PERSON_ATTRIBUTES, attribute
    return value_text(attribute, getattr(person, attribute))
