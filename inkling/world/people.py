"""Who lives in Larkhaven: 200 people with six facts each, 60 newcomers, 40 places, 12 boats, all
settled by one seed.

The tables here are the whole vocabulary of facts. `settle` draws the facts; it uses
`random.Random.random()` only, so a seed means the same town on every machine and every Python
version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

Option = TypeVar("Option")

FIRST_NAMES = (
    "Ada Agnes Albert Alda Alice Alma Amos Anna Anton Arlo Arthur Astrid Audrey August Barney Basil"
    " Beatrice Bella Benno Bert Bessie Birgit Boris Bram Brenda Bridget Bruno Carl Cecil Celia"
    " Clara Clem Conrad Cora Cyril Dagmar Daisy Daniel Delia Della Dennis Dinah Dora Doris Douglas"
    " Edgar Edith Edmund Edna Edwin Effie Elias Elin Eliza Ella Ellis Elmer Elsa Emil Emma Enid"
    " Enoch Eric Erna Esther Ethel Eva Ezra Fanny Felix Fergus Finn Flora Florence Frank Freda"
    " Fritz Gail Gerda Gideon Gilbert Gladys Glenn Grace Greta Grover Gus Hannah Harold Harriet"
    " Harvey Hazel Hector Heidi Helen Henry Herman Hilda Hiram Holly Homer Hope Horace Hugo Ida"
    " Igor Ines Ingrid Iris Irma Isaac Ivan Ivy Jack Jasper Jens Joan Jonas Josef Joyce Judith"
    " Julia June Karl Kate Klara Knut Lars Laura Leah Lena Leo Leona Lester Lewis Lilian Linus"
    " Lloyd Lois Lorna Lottie Louis Lucas Lucy Luther Lydia Mabel Magda Malcolm Mara Marcus Margot"
    " Marian Martha Matilda Maud Max Mercy Milo Mina Minna Miriam Mona Moses Myra Nadia Nancy Ned"
    " Nell Nils Nora Norman Olga Olive Oscar Otis Otto Pablo Paula Pearl Percy Phoebe Piet Quentin"
    " Rachel Ralph Ramona Reuben Rhoda Rita Robin Rosa Roy Rudolf Rufus Ruth Sally Samuel Selma"
    " Silas Simon Sofia Stella Susan"
).split()[:200]

_SHE = set(
    (
        "Ada Agnes Alda Alice Alma Anna Astrid Audrey Beatrice Bella Bessie Birgit Brenda Bridget"
        " Celia Clara Cora Dagmar Daisy Delia Della Dinah Dora Doris Edith Edna Effie Elin Eliza"
        " Ella Elsa Emma Enid Erna Esther Ethel Eva Fanny Flora Florence Freda Gail Gerda Gladys"
        " Grace Greta Hannah Harriet Hazel Heidi Helen Hilda Holly Hope Ida Ines Ingrid Iris Irma"
        " Ivy Joan Joyce Judith Julia June Kate Klara Laura Leah Lena Leona Lilian Lois Lorna"
        " Lottie Lucy Lydia Mabel Magda Mara Margot Marian Martha Matilda Maud Mercy Mina Minna"
        " Miriam Mona Myra Nadia Nancy Nell Nora Olga Olive Paula Pearl Phoebe Rachel Ramona Rhoda"
        " Rita Rosa Ruth Sally Selma Sofia Stella Susan"
    ).split()
)

SURNAMES = (
    "Ashby Barrow Beck Birch Boyle Brook Carver Cobb Crane Dale Dunn Fenn Finch Flint Ford Frost"
    " Gale Gray Grove Hale Harper Hart Heath Hill Holm Hull Jarvis Keel Kemp Kerr Lamb Lark Lowe"
    " Marsh Mead Moor Nash North Oakes Page Peck Penn Pike Poole Quill Rand Reed Rook Rowe Sand"
    " Shaw Stone Swan Tate Thorn Vane Wade Webb Wells Wick"
).split()

#: trade: (makes or does, tool, material). What a trade is about is a fact of the world too, taught
#: in the lessons.
TRADES = {
    "baker": ("bread", "oven", "flour"),
    "cooper": ("barrels", "adze", "oak"),
    "potter": ("jugs", "wheel", "clay"),
    "weaver": ("blankets", "loom", "wool"),
    "smith": ("horseshoes", "anvil", "iron"),
    "tailor": ("coats", "needle", "cloth"),
    "miller": ("flour", "millstone", "grain"),
    "carpenter": ("tables", "saw", "pine"),
    "cobbler": ("boots", "awl", "leather"),
    "printer": ("almanacs", "press", "paper"),
    "glazier": ("windows", "diamond", "glass"),
    "chandler": ("candles", "mould", "wax"),
    "roper": ("ropes", "ropewalk", "hemp"),
    "sailmaker": ("sails", "palm", "canvas"),
    "brewer": ("ale", "copper kettle", "barley"),
    "beekeeper": ("honey", "smoker", "clover"),
    "gardener": ("salads", "spade", "seed"),
    "clockmaker": ("clocks", "tweezers", "brass"),
    "tinker": ("kettles", "solder iron", "tin"),
    "thatcher": ("roofs", "rake", "reed"),
    "basketmaker": ("baskets", "bodkin", "willow"),
    "boatbuilder": ("rowing boats", "mallet", "larch"),
    "netmaker": ("nets", "shuttle", "twine"),
    "confectioner": ("toffee", "marble slab", "sugar"),
}

STREETS = (
    "Anchor Lane,Barley Row,Bell Street,Cask Alley,Chapel Hill,Cliff Road,Copper Court,Dock"
    " Street,Ferry Road,Fig Lane,Gull Row,Harbour Square,Herring Lane,Kettle Street,Lamp Alley,Mill"
    " Road,Orchard Row,Salt Street,School Lane,Tide Walk"
).split(",")

PETS = (
    "cat,dog,goat,parrot,tortoise,rabbit,donkey,ferret,pigeon,hedgehog,canary,goose,pony,lamb,raven,squirrel"
).split(",")

FOODS = (
    "apple pie,barley soup,cheese toast,cherry jam,crab cakes,fish stew,ginger biscuits,honey"
    " cake,leek tart,lentil broth,mushroom pie,nettle soup,onion bread,pea pudding,plum"
    " dumplings,potato pancakes,rhubarb tart,smoked eel,walnut bread,wild strawberries"
).split(",")

INSTRUMENTS = (
    "fiddle,flute,drum,harp,trumpet,accordion,banjo,cello,organ,whistle,horn,lute,piano,tambourine,bagpipes,guitar"
).split(",")

#: Name, with its article as it stands in a sentence. Stories happen at all of them.
PLACES = (
    "the bakery,the smithy,the mill,the old lighthouse,Gull Pier,the fish market,the"
    " schoolhouse,the library,the chapel,the boatyard,the orchard,the bridge,the bell tower,the"
    " ferry landing,the Anchor Inn,the tea room,the post office,the greenhouse,the ropewalk,the"
    " north beach,the harbour wall,the village green,the windmill hill,the old quarry,the salt"
    " house,the tannery,the brewery,the net loft,the museum,the music hall,the dairy,the ice"
    " house,the toll gate,the weather station,the glass works,the herb garden,the rope bridge,the"
    " sheepfold,the watchtower,the town hall"
).split(",")

KNOWN_FOR = (
    "its echo,its red door,its long table,its steep stairs,its blue tiles,its crooked chimney,its"
    " warm stove,its old map,its brass lamp,its stone lions,its round window,its loud clock,its"
    " sweet water,its painted ceiling,its swallows,its rope swing,its roses,its ghost story,its"
    " narrow gate,its fine view"
).split(",")

BOATS = (
    "the Petrel,the Kittiwake,the Merry Ann,the Silver Herring,the Patience,the Morning Star,the"
    " Grey Seal,the Lucky Penny,the Sea Holly,the Wanderer,the Evening Tide,the Good Intent"
).split(",")

COLOURS = "red,blue,green,white,black,yellow,brown,grey,orange,purple".split(",")
CATCHES = "herring,cod,mackerel,crabs,lobsters,mussels,eels,sprats".split(",")

#: Strangers' names are put together from three parts, so that there are thousands: what can be
#: learnt about them is only how to carry a name from one line to the next.
_STARTS = (
    "Bal Bren Cal Cor Dav Dor Fal Fen Gar Gil Hal Jor Kal Kel Lan Lor Mar Mel Nor Or Pel Quin Ral"
    " Sal Sor Tal Tor Ul Val Wen"
).split()
_MIDDLES = "a e i o an el in or al ur".split()
_ENDS = (
    "bel brin da dric fax gard ket lind lo mar mond na nor ra rick rit sa sten ta thas ton tor vek"
    " vin wick zan".split()
)

PERSON_ATTRIBUTES = ("trade", "street", "pet", "food", "instrument", "friend")


@dataclass(frozen=True)
class Person:
    """One inhabitant. `friend` is a first name; `in_questions` is False for those whom no training
    question names.
    """

    name: str
    surname: str
    pronoun: str
    trade: str
    street: str
    pet: str
    food: str
    instrument: str
    friend: str
    in_questions: bool = True

    @property
    def full_name(self) -> str:
        """First name and surname."""
        return f"{self.name} {self.surname}"


@dataclass(frozen=True)
class Place:
    """A place of the town: its street, who keeps it (a first name), when it was built, and what it
    is known for.
    """

    name: str
    street: str
    keeper: str
    built: str
    known_for: str


@dataclass(frozen=True)
class Boat:
    """A boat of the town: whose it is (a first name), its colour, and what it catches."""

    name: str
    owner: str
    colour: str
    catch: str


def stranger_names() -> list[str]:
    """Every name that three parts can make: each once, and none that an inhabitant has."""
    names = {start + middle + end for start in _STARTS for middle in _MIDDLES for end in _ENDS}
    return sorted(names - set(FIRST_NAMES))


def settle(seed: int) -> tuple[list[Person], list[Person], list[Place], list[Boat], list[str]]:
    """Draw a town: people, newcomers, places, boats, and the strangers' names that are left for
    passing visitors.
    """
    random = Random(f"larkhaven {seed}").random

    def pick(options: Sequence[Option]) -> Option:
        return options[int(random() * len(options))]

    strangers = stranger_names()
    newcomer_names = []
    while len(newcomer_names) < 60:
        newcomer_names.append(strangers.pop(int(random() * len(strangers))))

    def person(name: str, pronoun: str, in_questions: bool) -> Person:
        friend = pick(FIRST_NAMES)
        while friend == name:
            friend = pick(FIRST_NAMES)
        return Person(
            name,
            pick(SURNAMES),
            pronoun,
            pick(list(TRADES)),
            pick(STREETS),
            pick(PETS),
            pick(FOODS),
            pick(INSTRUMENTS),
            friend,
            in_questions,
        )

    # Every fifth person is in no question; the names are in alphabetical order, which says nothing
    # about the facts.
    people = [
        person(name, "She" if name in _SHE else "He", i % 5 != 4)
        for i, name in enumerate(FIRST_NAMES)
    ]
    newcomers = [person(name, pick(("She", "He")), False) for name in newcomer_names]
    places = [
        Place(
            name, pick(STREETS), pick(FIRST_NAMES), str(1700 + int(random() * 200)), pick(KNOWN_FOR)
        )
        for name in PLACES
    ]
    boats = [Boat(name, pick(FIRST_NAMES), pick(COLOURS), pick(CATCHES)) for name in BOATS]
    return people, newcomers, places, boats, strangers


def with_article(noun: str) -> str:
    """ "a baker", "an apple" """
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
