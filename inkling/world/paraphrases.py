"""Questions in other words: they ask what `QUESTIONS` ask, and share no telling word with any
`STATEMENTS` of the fact.

Only the name still matches, and a name stands in many passages. So a search by words has to guess
among them, and only what has learned that a craft is a trade can do better. The last two of each
table are held out of training; they are new sentences, made of words that the others have.
"""

from inkling.world.writer import Wordings

PARAPHRASES = {
    "trade": Wordings(
        "What is the craft of {name}?",
        "Which job pays the bills of {name}?",
        "What is the profession of {name}?",
        "Which guild does {name} belong to?",
        "What craft did {name} take up?",
        "Which profession pays {name}?",
        "What is the job of {name}?",
        "Which craft pays the bills of {name}?",
        held_out=2,
    ),
    "street": Wordings(
        "Where should I knock to visit {name}?",
        "Where does {name} dwell?",
        "In what part of Larkhaven did {name} settle?",
        "What is the residence of {name}?",
        "Where do I bring a parcel for {name}?",
        "In what part of Larkhaven is the residence of {name}?",
        "Where should I knock with a parcel for {name}?",
        "Where did {name} settle?",
        held_out=2,
    ),
    "pet": Wordings(
        "Which creature does {name} feed?",
        "What beast follows {name} around?",
        "Which creature waits for {name} at the gate?",
        "What beast must {name} feed?",
        "What kind of creature is with {name}?",
        "What kind of beast waits for {name}?",
        "Which beast does {name} feed?",
        "What creature follows {name} around?",
        held_out=2,
    ),
    "food": Wordings(
        "Which meal should I serve to {name}?",
        "What makes the mouth of {name} water?",
        "Which treat makes {name} glad?",
        "What do I serve when {name} is hungry?",
        "What fills the plate of {name}?",
        "Which treat should I put on the plate of {name}?",
        "Which meal makes {name} glad?",
        "What meal do I put on the plate of {name}?",
        held_out=2,
    ),
    "instrument": Wordings(
        "With what does {name} strike up a tune?",
        "What does {name} tune before a concert?",
        "On what does {name} perform?",
        "What is in the hands of {name} during a concert?",
        "Which melody maker does {name} carry along?",
        "With what does {name} perform a melody?",
        "With what does {name} perform in a concert?",
        "On what does {name} strike up a melody?",
        held_out=2,
    ),
    "friend": Wordings(
        "Who is dearest to {name}?",
        "Who is the comrade of {name}?",
        "Whose company does {name} seek?",
        "On whose shoulder does {name} lean?",
        "Who stands by {name} through thick and thin?",
        "Who is the dearest comrade of {name}?",
        "Whose company is dearest to {name}?",
        "On which comrade does {name} lean?",
        held_out=2,
    ),
}
