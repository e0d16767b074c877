"""A great many ways to ask about the town, to ask for a story, and to go on after an answer.

All stand in lower case and without a last mark: `talk` adds names, capitals, marks and greetings.
Width is the point. People ask in words that no table lists, and a model that has met one fact in
forty wordings has seen what they share; one that has met it in four has learnt the four.

No wording stands in two tables, so that each says by itself what is asked.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Asking:
    """The ways to ask one thing. The last two of `direct` and the last of `indirect` are kept out
    of training.

    direct: whole questions ("where does {name} live").
    indirect: what follows on "can you tell me" or "i wonder" ("where {name} lives").
    short: a few words that do for a question ("address of {name}").
    """

    direct: tuple[str, ...]
    indirect: tuple[str, ...]
    short: tuple[str, ...] = ()


def _each(wordings: str) -> tuple[str, ...]:
    """The wordings of a text that has a semicolon between them."""
    return tuple(" ".join(wording.split()) for wording in wordings.split(";"))


#: What one can ask about a person, {name}: the six facts, and who it is.
PEOPLE = {
    "trade": Asking(
        direct=_each("""
            what does {name} do for a living; what is {name}'s job; what is the trade of {name};
            what does {name} do; what work does {name} do; how does {name} earn a living;
            what is {name} by trade; which trade did {name} learn; what is the job of {name};
            what does {name} do for work; what is {name}'s trade; what job does {name} have;
            what kind of work does {name} do; what does {name} work as; what's {name}'s profession;
            what is the profession of {name}; what is the craft of {name}; what is {name}'s work;
            what does {name} do all day; how does {name} make money;
            which guild does {name} belong to; what is {name}'s occupation;
            does {name} have a job, and which one; what did {name} learn to become;
            which job pays the bills of {name}; which profession pays {name};
            tell me {name}'s trade; what craft did {name} take up; what was {name}'s job again;
            tell me what kind of job {name} has; how does {name} make a living;
            what sort of work does {name} do; what's {name} do for a job;
            what does {name} do at work; what does {name} do these days;
            does {name} work, and as what; what role does {name} have in town;
            in which trade is {name}; what job has {name} got; what is the occupation of {name};
            what would you call {name}'s job; what does {name} do here in Larkhaven;
            what line of work is {name} in; what does {name} do to earn money
        """),
        indirect=_each("""
            what {name} does for a living; what {name}'s job is; what the trade of {name} is;
            what {name} does; what work {name} does; how {name} earns a living;
            what {name} is by trade; which trade {name} learned; the job of {name};
            what {name} does for work; what kind of work {name} does; what {name} works as;
            {name}'s profession; which craft {name} has; how {name} makes money;
            what line of work {name} is in; what {name}'s occupation is;
            what sort of job {name} has; what the job of {name} is; what job {name} has got
        """),
        short=_each("""
            {name}'s job; the trade of {name}; {name}'s trade; job of {name}; {name}'s work;
            {name}'s profession, please; the work of {name}; occupation of {name};
            {name} works as what; {name}'s line of work; what {name} does, please
        """),
    ),
    "street": Asking(
        direct=_each("""
            where does {name} live; in which street does {name} live; what is {name}'s address;
            what is the address of {name}; where is {name}'s house; where is the home of {name};
            where can i find {name}; which street does {name} live in;
            what street does {name} live on; on what street is {name}'s house;
            where is {name}'s home; where do i go to visit {name};
            where should i knock to visit {name}; where do i bring a parcel for {name};
            where does {name} dwell; where should i send a letter for {name};
            what is the residence of {name}; in what part of town did {name} settle;
            whereabouts does {name} live; what's the name of {name}'s street;
            where is {name} at home; how do i get to {name}'s house;
            where do i have to go to see {name}; which street is the home of {name} in;
            tell me {name}'s address; where does {name} reside; where would i find {name}'s door;
            at which address does {name} live; i have a parcel for {name}, where do i go;
            i want to visit {name}, where do i go; where in Larkhaven does {name} live;
            what was {name}'s address again; where's {name}'s place; what is {name}'s street;
            which street is {name}'s; where does {name} have a house;
            tell me which street is {name}'s; where do i deliver a letter to {name};
            on which street does {name} live; whereabouts is {name}'s house;
            what is the street that {name} lives in;
            which street is {name}'s home in; what street do i go to if i want to see {name}
        """),
        indirect=_each("""
            where {name} lives; in which street {name} lives; what {name}'s address is;
            the address of {name}; where {name}'s house is; where the home of {name} is;
            where i can find {name}; which street {name} lives in; what street {name} lives on;
            where to find {name}; where i should go to visit {name}; where {name} is at home;
            what street {name}'s house is in; where to bring a parcel for {name};
            on which street {name} lives; where {name} dwells; {name}'s address;
            where i have to knock to see {name}
        """),
        short=_each("""
            address of {name}; {name}'s street; the home of {name}; {name}'s house;
            the street of {name}; {name}'s home address; where {name} lives, please;
            {name} lives where; the house of {name}; {name}'s home; way to {name}'s house
        """),
    ),
    "pet": Asking(
        direct=_each("""
            what pet does {name} have; which animal does {name} keep; what animal lives with {name};
            what is {name}'s pet; what is the pet of {name}; does {name} have a pet;
            does {name} have a pet, and what is it; does {name} keep a pet, and which;
            which animal belongs to {name}; what animal does {name} have;
            what kind of pet does {name} have; what kind of animal is {name}'s pet;
            which creature does {name} feed; what beast follows {name} around;
            which creature waits for {name} at the gate; has {name} got any animals;
            has {name} got a pet; does {name} own an animal; what does {name} keep as a pet;
            what animal does {name} look after; is there an animal in {name}'s house;
            what sort of animal does {name} own; what pet is there at {name}'s house;
            what animal does {name} own; which pet did {name} choose; what's {name}'s animal;
            what kind of creature is with {name}; are there any pets at {name}'s place;
            what was {name}'s pet again; what sort of pet does {name} have;
            is there a pet at {name}'s; tell me what kind of pet is {name}'s;
            what type of animal does {name} have; does {name} keep any animals;
            does {name} look after an animal; which pet does {name} own;
            what animal would i meet at {name}'s house; does {name} have any pets;
            what pet has {name} got; which beast does {name} feed;
            does {name} have an animal, and what kind;
            what kind of pet lives with {name}; which animal has {name} got at home
        """),
        indirect=_each("""
            what pet {name} has; which animal {name} keeps; what {name}'s pet is;
            what animal lives in {name}'s house; if {name} has a pet, and which;
            whether {name} has a pet; what kind of pet {name} has; what animal {name} has;
            the pet of {name}; which animal belongs to {name} and nobody else;
            what kind of animal {name}'s pet is; what {name} keeps as a pet;
            what animal {name} looks after; which creature {name} feeds; what animal {name} has got;
            what type of animal {name} keeps; {name}'s pet; if {name} keeps any animals;
            what sort of pet {name} has got
        """),
        short=_each("""
            the pet of {name}, please; {name}'s animal; pet of {name}; the animal of {name};
            any pets at {name}'s house; {name}'s animal companion; {name} keeps which animal;
            {name}'s pets; the animal that {name} has
        """),
    ),
    "food": Asking(
        direct=_each("""
            what does {name} like to eat; what is {name}'s favourite food;
            what is the favourite dish of {name}; what food does {name} like best;
            which dish does {name} prefer; what should i cook for {name};
            what is {name}'s favourite dish; what's {name}'s favorite food;
            what does {name} love to eat; what is the favourite food of {name};
            which meal does {name} like most; what would {name} order at a feast;
            which meal should i serve to {name}; what makes the mouth of {name} water;
            which treat makes {name} glad; what do i serve when {name} is hungry;
            what fills the plate of {name}; what can i cook to please {name};
            what does {name} eat most gladly; what tastes best to {name};
            what does {name} want for dinner; what does {name} find delicious;
            what is {name}'s favourite meal; what would {name} eat every day;
            does {name} have a favourite dish;
            what do i put on the table when {name} comes to dinner;
            what should i bake or cook for {name}'s birthday; what kind of food does {name} like;
            what was {name}'s favourite dish again; what does {name} enjoy eating;
            what is the best meal for {name}; i am cooking for {name}, what should it be;
            {name} is coming to dinner, what should i make; what does {name} eat with pleasure;
            what kind of dish does {name} like; what dish is {name}'s favourite;
            tell me what food is {name}'s favourite; is there a dish that {name} loves;
            what could i cook that {name} likes; what would {name} most like to eat;
            which food is {name} fondest of; what is a treat for {name};
            which food makes {name} happy; what would {name} like for lunch
        """),
        indirect=_each("""
            what {name} likes to eat; what {name}'s favourite food is;
            what the favourite dish of {name} is; what food {name} likes best;
            which dish {name} prefers; the favourite dish of {name}; what i should cook for {name};
            what to cook for {name}; what {name} loves to eat; which meal {name} likes most;
            what {name} would order at a feast; {name}'s favorite food;
            what tastes best to {name}, of all dishes; what {name} eats most gladly;
            what dish {name} likes; what {name} enjoys eating; {name}'s favourite dish;
            which food {name} prefers; what {name} would like for dinner
        """),
        short=_each("""
            {name}'s favourite food; favourite dish of {name}; the favourite food of {name};
            {name}'s favourite meal; {name}'s favorite dish; best food for {name};
            {name}'s best-loved dish; a treat for {name}; {name} likes to eat what;
            the dish {name} likes best
        """),
    ),
    "instrument": Asking(
        direct=_each("""
            what instrument does {name} play; which instrument does {name} play;
            does {name} play an instrument; does {name} play an instrument, and which one;
            what does {name} play; what does {name} play in the town band;
            what is {name}'s instrument; what is the instrument of {name};
            on what does {name} make music; what does {name} make music with;
            with what does {name} strike up a tune; what does {name} tune before a concert;
            on what does {name} perform; what is in the hands of {name} during a concert;
            which melody maker does {name} carry along; can {name} play an instrument;
            what musical instrument does {name} have; which instrument belongs to {name};
            what can {name} play; is {name} musical; what instrument did {name} learn;
            what does {name} bring along to band practice; what instrument is {name} good at;
            which instrument does {name} practise; what's the instrument that {name} plays;
            does {name} make music, and on what; what do you hear when {name} makes music;
            what does {name} play at a concert; what was {name}'s instrument again;
            what sort of instrument does {name} play; what musical instrument does {name} play;
            tell me which instrument is played by {name}; is there an instrument that {name} plays;
            which instrument can {name} play; what will {name} play at the dance;
            what does {name} play in the evenings; does {name} know how to play anything;
            what instrument has {name} got; what does {name} play on;
            what instrument do i hear from {name}'s window; which instrument is played by {name};
            which instrument is {name}'s; what does {name} play when people dance
        """),
        indirect=_each("""
            what instrument {name} plays; which instrument {name} plays; what {name} plays;
            what {name} plays in the town band; what {name}'s instrument is;
            the instrument of {name}; on what {name} makes music; if {name} plays an instrument;
            whether {name} plays an instrument, and which; what musical instrument {name} has;
            which instrument {name} learned; what {name} can play;
            which instrument {name} practises; what {name} makes music with;
            what instrument {name} has learned; {name}'s instrument; if {name} is musical;
            what instrument {name} is good at
        """),
        short=_each("""
            instrument of {name}; {name}'s musical instrument; the instrument {name} plays;
            {name}'s part in the band; the instrument of {name}, please; {name} plays what;
            {name} plays which instrument; the musical instrument of {name}
        """),
    ),
    "friend": Asking(
        direct=_each("""
            who is {name}'s best friend; who is the best friend of {name};
            whom does {name} trust most; who is closest to {name}; who is the friend of {name};
            to whom does {name} tell everything; who does {name} like best;
            whom does {name} like best; who is {name}'s friend; does {name} have a best friend;
            does {name} have a best friend, and who is it; who is {name} friends with;
            who does {name} trust most; who is dearest to {name}; who is the comrade of {name};
            whose company does {name} seek; on whose shoulder does {name} lean;
            who stands by {name} through thick and thin; who does {name} tell secrets to;
            who is {name} close to; who is {name}'s closest friend;
            who does {name} call a best friend; which friend does {name} love most;
            who's the best pal of {name}; who does {name} like to spend time with;
            who are {name}'s friends; who would {name} turn to for help;
            what is the name of {name}'s best friend; who was {name}'s best friend again;
            who's {name}'s dearest friend; who does {name} get along with best;
            with whom is {name} best friends; tell me which friend is {name}'s best;
            who is {name}'s favourite person; which person does {name} like best;
            who is the closest friend of {name}; who is the person that {name} trusts most;
            whom does {name} call a best friend; who knows all of {name}'s secrets;
            to whom does {name} tell secrets; who is a best friend to {name};
            in whom does {name} confide;
            who is {name} best friends with; which friend does {name} trust
        """),
        indirect=_each("""
            who {name}'s best friend is; who the best friend of {name} is; whom {name} trusts most;
            who is closest to {name} of all; the best friend of {name}; who {name} likes best;
            who {name}'s friend is; who {name} is friends with; if {name} has a best friend;
            to whom {name} tells everything; who {name} trusts most;
            who is dearest to {name} in town; the name of {name}'s best friend;
            who {name} is close to; which friend {name} trusts most; {name}'s best friend;
            who {name} tells secrets to; who {name} calls a best friend
        """),
        short=_each("""
            best friend of {name}; {name}'s friend; the friend of {name}; {name}'s closest friend;
            {name}'s best friend, please; {name}'s friends; {name} is best friends with whom;
            dearest friend of {name}; {name}'s best mate
        """),
    ),
    "person": Asking(
        direct=_each("""
            who is {name}; what do you know about {name}; tell me about {name};
            tell me something about {name}; who is this {name}; what can you tell me about {name};
            do you know {name}; have you heard of {name}; tell me all about {name};
            tell me everything about {name}; describe {name}; describe {name} to me;
            what kind of person is {name}; what should i know about {name};
            do you know anybody called {name}; is there a person called {name} in town;
            is there somebody named {name} here; who might {name} be;
            what is there to know about {name}; what is known about {name}; can you describe {name};
            could you tell me a little about {name}; what have you heard about {name};
            what is {name} like; tell me a few things about {name}; who on earth is {name};
            what do you know of {name}; do you know anything about {name}; who is that, {name};
            what do people know about {name}; what is there to tell about {name};
            what facts do you have about {name}; tell me what you know about {name};
            tell me a bit about {name}; who is {name}, please;
            does the name {name} mean anything to you; who is {name} in Larkhaven;
            describe the person called {name}; would you describe {name};
            what information do you have on {name}; do you know who this {name} is;
            have you ever met {name};
            what sort of person is {name}; what can you say about {name}
        """),
        indirect=_each("""
            who {name} is; something about {name}; who this {name} is; what you know about {name};
            more about {name}; what kind of person {name} is; a little about {name};
            what is known about {name} here; what one should know about {name};
            what there is to know about {name}; who {name} might be; a few things about {name};
            what {name} is like; anything about {name}; a bit about {name};
            all you know about {name}; everything about {name}; what you can say about {name};
            what sort of person {name} is
        """),
        short=_each("""
            {name}; about {name}; {name}, who is that; something about {name}, please;
            all about {name}; facts about {name}; info on {name}; {name}, please;
            who {name} is, please; facts on {name}
        """),
    ),
}

#: What one can ask about a place, {place} ("the mill").
PLACES = {
    "street": Asking(
        direct=_each("""
            where is {place}; in which street is {place}; where can i find {place};
            what street is {place} in; where does {place} stand; how do i get to {place};
            what is the address of {place}; which street leads to {place};
            where do i have to go to see {place}; on which street will i find {place};
            where is {place} located; which way is it to {place};
            i am looking for {place}, where is it; where do i find {place};
            in what part of town is {place}; what is the street of {place};
            tell me where to find {place}; where exactly is {place}; where would i find {place};
            how can i get to {place}; on what street is {place};
            i want to see {place}, where do i go; whereabouts is {place};
            which street is {place} on; in what street does {place} stand;
            where in Larkhaven is {place}; could you direct me to {place};
            where do i go for {place};
            on what street does {place} stand; which street do i take to {place}
        """),
        indirect=_each("""
            where {place} is; in which street {place} is; where i can find {place};
            what street {place} is in; where {place} stands; how i get to {place};
            how to get to {place}; the way to {place}; what the address of {place} is;
            where {place} is located; where to find {place}; on which street {place} is;
            where i must go to see {place}; where exactly {place} is; which street {place} stands in
        """),
        short=_each("""
            address of {place}; the street of {place}; the way to {place}, please;
            {place}, where is it; directions to {place}; {place} address;
            {place} is in which street; where {place} is, please
        """),
    ),
    "keeper": Asking(
        direct=_each("""
            who looks after {place}; who is the keeper of {place}; who keeps {place};
            who has the keys to {place}; who runs {place}; who is in charge of {place};
            who takes care of {place}; whom should i ask if i want to see {place};
            who holds the key of {place}; who is {place}'s keeper; who is responsible for {place};
            in whose care is {place}; who minds {place}; who opens {place} in the morning;
            does anybody look after {place}; who can let me into {place};
            who locks up {place} at night; who is the person in charge of {place};
            who works at {place}; who should i ask about {place};
            what is the name of the keeper of {place}; who sees to {place};
            i want to look inside {place}, whom do i ask; who watches over {place};
            which person looks after {place}; does {place} have a keeper, and who is it;
            who tends {place}; who owns {place};
            whose job is it to look after {place}; who cares for {place}
        """),
        indirect=_each("""
            who looks after {place} these days; who the keeper of {place} is;
            who keeps {place} in order; who has the keys to {place} now; who runs {place} now;
            who is in charge of {place} at present; the keeper of {place};
            who takes care of {place} nowadays; whom to ask about {place}; whose care {place} is in;
            what the name of the keeper of {place} is; whom i should ask about {place};
            who is responsible for {place} here
        """),
        short=_each("""
            keeper of {place}; the keeper of {place}, please; {place}'s keeper; keys to {place};
            keeper's name at {place}; the person in charge of {place}; {place}, who runs it
        """),
    ),
    "built": Asking(
        direct=_each("""
            when was {place} built; in which year was {place} built; how old is {place};
            what year does {place} date from; when did people build {place};
            since when has {place} stood there; when was {place} finished;
            what year was {place} put up; from what year is {place};
            what year is on the stone of {place}; which year is cut into a stone of {place};
            when did they put up {place}; what year is {place} from;
            is {place} old, and when was it built; what is the age of {place};
            when did {place} come to be; since what year has there been {place};
            when did {place} open; since when does {place} exist; tell me when {place} was put up;
            when was {place} made; what is the building year of {place};
            how many years old is {place}; how long has {place} been standing;
            how long has there been {place} here; do people know when {place} was built;
            in what year was {place} finished; what year was {place} built; how old is {place} now;
            in what year did they build {place}; how long ago was {place} built
        """),
        indirect=_each("""
            when {place} was built; in which year {place} was built; how old {place} is;
            what year {place} dates from; when people built {place}; the year of {place};
            when {place} was finished; since when {place} has stood there;
            what year {place} is from; the age of {place}; what year {place} was built;
            how long {place} has been standing; what year is cut into the stone of {place};
            when {place} was put up; how long ago {place} was built
        """),
        short=_each("""
            age of {place}; the year of {place}, please; {place}, built when;
            building year of {place}; {place}'s age; when {place} was built, please;
            year when {place} was built
        """),
    ),
    "known_for": Asking(
        direct=_each("""
            what is {place} known for; what is {place} famous for; why do visitors come to {place};
            what is special about {place}; what can i see at {place};
            what do people remember of {place}; what do children like about {place};
            what makes {place} special; what is worth seeing at {place}; why should i visit {place};
            what do people like about {place}; is there anything special about {place};
            why is {place} famous; what is there to see at {place};
            is {place} worth a visit, and why; for what do people know {place};
            what would you show me at {place}; tell me about {place};
            tell me something about {place}; describe {place}; what do you know about {place};
            what's so special about {place}; why do people go to {place};
            why do people visit {place}; what would i miss if i did not see {place};
            what should i look at in {place}; what do visitors see at {place};
            what is the best thing about {place}; what is interesting about {place};
            what will i remember of {place}; what does everyone praise about {place};
            what can you tell me about {place};
            what is {place} best known for; what attracts people to {place}
        """),
        indirect=_each("""
            what {place} is known for; what {place} is famous for; why visitors come to {place};
            what is special about {place}, if anything; what i can see at {place};
            what makes {place} special to people; what people remember of {place};
            why {place} is famous; what people like about {place}; what there is to see at {place};
            what people go to {place} for; what to look at in {place};
            what the best thing about {place} is; something about {place}; why people visit {place}
        """),
        short=_each("""
            sights of {place}; the best thing about {place}; what to see at {place};
            {place}, known for what; what {place} is known for, please;
            what is special about {place}, please; fame of {place}
        """),
    ),
}

#: What one can ask about a boat, {boat} ("the Petrel").
BOATS = {
    "owner": Asking(
        direct=_each("""
            who owns {boat}; whose boat is {boat}; who is the owner of {boat};
            to whom does {boat} belong; who does {boat} belong to; who sails {boat};
            who is the skipper of {boat}; who bought {boat}; whose is {boat};
            who goes out to sea with {boat}; who has {boat}; who is the captain of {boat};
            who steers {boat}; who is {boat}'s owner; does {boat} belong to anyone;
            who takes {boat} out; which person owns {boat}; who is the person who owns {boat};
            what is the name of {boat}'s owner; who is the master of {boat};
            which person sails {boat}; tell me about {boat}; what do you know about {boat};
            i want to hire {boat}, whom do i ask; who paid for {boat};
            is {boat} yours, or whose is it; who goes fishing in {boat};
            who stands at the helm of {boat};
            who calls {boat} their own; who is it that owns {boat}
        """),
        indirect=_each("""
            who owns {boat} now; whose boat {boat} is; who the owner of {boat} is;
            to whom {boat} belongs; who {boat} belongs to; who sails {boat} these days;
            the owner of {boat}; who bought {boat} back then; whose {boat} is;
            who the skipper of {boat} is; whom {boat} belongs to; the name of {boat}'s owner
        """),
        short=_each("""
            owner of {boat}; {boat}'s owner; the owner of {boat}, please; skipper of {boat};
            {boat}, whose is it; captain of {boat}; {boat} belongs to whom
        """),
    ),
    "colour": Asking(
        direct=_each("""
            what colour is {boat}; what color is {boat}; which colour does {boat} have;
            how is {boat} painted; what is the colour of {boat}; in what colour is {boat} painted;
            what colour is the hull of {boat}; what does {boat} look like;
            how do i recognise {boat}; by what colour do i know {boat}; what's {boat}'s colour;
            what colour has {boat} got; what color is the paint of {boat};
            what is the color of {boat}'s hull; how will i know {boat} when i see it;
            what paint did they use for {boat}; of what colour is {boat};
            what colour do i look for to find {boat}; what's the color of {boat};
            tell me what colour is on {boat}; in which colour is {boat} painted;
            what colour of paint is on {boat}; what colour is {boat} painted;
            which colour is {boat}; what color did they paint {boat};
            can you describe the colour of {boat}; what hull does {boat} have;
            what colour did they paint {boat}; which colour is on the hull of {boat}
        """),
        indirect=_each("""
            what colour {boat} is; what color {boat} is; which colour {boat} has;
            how {boat} is painted; the colour of {boat}; what colour the hull of {boat} is;
            what {boat} looks like; how i can recognise {boat}; in what colour {boat} is painted;
            which colour {boat} is; of what colour the hull of {boat} is;
            what color the hull of {boat} is; what colour they painted {boat};
            what colour {boat} has got
        """),
        short=_each("""
            colour of {boat}; {boat}'s colour; color of {boat}; the colour of {boat}'s hull;
            {boat} colour; paint of {boat}; {boat} is what colour
        """),
    ),
    "catch": Asking(
        direct=_each("""
            what does {boat} catch; what fish does {boat} catch; what does {boat} bring home;
            what is {boat} fishing for; what does the crew of {boat} catch;
            what do they catch on {boat}; what does {boat} go out for;
            what is in the nets of {boat}; which catch does {boat} land;
            what comes ashore from {boat}; what do they fish for on {boat};
            what is the catch of {boat}; what kind of catch does {boat} have;
            what does {boat} fish for; what can i buy when {boat} comes home;
            what is {boat}'s usual catch; what do they unload from {boat};
            what are they catching on {boat}; what does {boat} hunt for; what does {boat} bring in;
            what does {boat} bring to the harbour; what do the fishermen of {boat} catch;
            what sort of fish does {boat} bring; for what does {boat} go to sea;
            what do i find in the nets of {boat}; what is on board {boat} when it comes home;
            what does {boat} sell at the fish market; what is caught on {boat};
            what does the crew of {boat} bring home; what do the nets of {boat} hold
        """),
        indirect=_each("""
            what {boat} catches; what fish {boat} catches; what {boat} brings home;
            what {boat} is fishing for; what the crew of {boat} catches; what they catch on {boat};
            the catch of {boat}; what {boat} goes out for; what is in the nets of {boat} tonight;
            what they fish for on {boat}; what {boat} brings in; what the catch of {boat} is;
            what {boat} goes to sea for; what {boat} fishes for
        """),
        short=_each("""
            catch of {boat}; {boat}'s catch; the catch of {boat}, please; fish of {boat};
            {boat} catches what; catch on board {boat}; the nets of {boat}
        """),
    ),
}

#: What one can ask about a trade, {trade} ("a cooper"), or {bare} ("cooper").
TRADES = {
    "makes": Asking(
        direct=_each("""
            what does {trade} make; what do {bare}s make; what does {trade} do;
            what do you get from {trade}; what can i buy from {trade};
            what comes from the hands of {trade}; why do people go to {trade};
            what does {trade} produce; what is {trade}; what is the work of {trade};
            what do {bare}s do; what is {trade} good for; what would we lack without {trade};
            what does the {bare} make; what do people need {trade} for; what is made by {trade};
            what does {trade} make for us; what does {trade} do all day; what is {trade}'s work;
            what is the job of {trade}; if i go to {trade}, what do i get; tell me about {trade};
            tell me what {trade} is; what sort of things do {bare}s make; what do {bare}s produce;
            why do we need {trade}; what does the {bare} do; what things does {trade} make;
            which things come from {trade}; what is the product of {trade};
            what do you buy at the {bare}'s; what does a person do who is {trade};
            what kind of thing does {trade} make; what do {bare}s sell
        """),
        indirect=_each("""
            what {trade} makes; what {bare}s make; what {trade} does; what one gets from {trade};
            what {trade} is; what {bare}s do; what i can buy from {trade}; why people go to {trade};
            what {trade} produces; what the {bare} makes; what the job of {trade} is;
            what sort of things {bare}s make; what we need {trade} for; what {trade} is good for
        """),
        short=_each("""
            the work of {trade}; products of {trade}; what {bare}s make, please; goods from {trade};
            {bare}s make what; {trade}'s work; the things that {trade} makes
        """),
    ),
    "tool": Asking(
        direct=_each("""
            what tool does {trade} use; which tool does {trade} need; what tools do {bare}s use;
            what is the tool of {trade}; what is the most important tool of {trade};
            which tool belongs to {trade}; what is {trade}'s main tool;
            what equipment does {trade} need; what tool must {trade} have;
            which tool does {trade} take good care of; what does {trade} use as a tool;
            what tool do you give {trade}; what is the first tool that {trade} learns;
            what tool does the {bare} use; what do you call the tool of {trade};
            what tool do {bare}s need; what sort of tool does {trade} have;
            what is the main tool of {trade}; which tool is {trade}'s;
            what sort of tools do {bare}s need; what tool is in the hand of {trade};
            which tool is used by {trade}; what tool does every {bare} have;
            is there a tool that every {bare} needs; tell me which tool is for {trade};
            what is the most useful tool for {trade}; without which tool can {trade} do nothing;
            what tool is typical of {trade}; what is the name of the tool of {trade};
            with which tool does {trade} work; what tool would {trade} never lend
        """),
        indirect=_each("""
            what tool {trade} uses; which tool {trade} needs; what tools {bare}s use;
            what the tool of {trade} is; the tool of {trade};
            which tool belongs to {trade}, of all tools; what {trade}'s main tool is;
            what tool {trade} must have; what equipment {trade} needs; what tool every {bare} needs;
            which tool {bare}s use; what the main tool of {trade} is; with which tool {trade} works
        """),
        short=_each("""
            tool of {trade}; {trade}'s tool; tools of {bare}s; the tool of {trade}, please;
            the {bare}'s tool; tools for {trade}; {bare}s use which tool
        """),
    ),
    "material": Asking(
        direct=_each("""
            what material does {trade} use; which material does {trade} work with;
            what does {trade} make things from; out of what does {trade} make things;
            what does {trade} buy at the market; what does it smell of in the shop of {trade};
            what raw material does {trade} need; what is the material of {trade};
            what do {bare}s make their things from; what material do {bare}s need;
            what does the work of {trade} begin with; what is {trade}'s material;
            which material is half the work of {trade}; what material does the {bare} use;
            what stuff does {trade} make things out of; what materials do {bare}s use;
            what material must {trade} buy; what are the things of {trade} made of;
            what is in the store room of {trade}; what kind of material does {trade} need;
            which material is used by {trade}; what do {bare}s make things out of;
            from what do {bare}s make their things; what material does every {bare} need;
            tell me which material is for {trade}; what does {trade} need to make things from;
            what material is on the bench of {trade}; which raw material do {bare}s buy;
            what substance does {trade} work with;
            from which material does {trade} make things; what material do {bare}s work with
        """),
        indirect=_each("""
            what material {trade} uses; which material {trade} works with;
            what {trade} makes things from; the material of {trade};
            what {bare}s make their things from; what {trade} buys at the market;
            what raw material {trade} needs; what material {bare}s need;
            out of what {trade} makes things; which material {bare}s use;
            what kind of material {trade} needs; what the material of {trade} is;
            what the things of {trade} are made of; what material {trade} must buy
        """),
        short=_each("""
            material of {trade}; {trade}'s material; materials of {bare}s; raw material of {trade};
            the {bare}'s material; {bare}s use which material; material for {trade}
        """),
    ),
}

#: Of whom something is true: {value} ("a cooper", "Kettle Street", "honey cake"), or {bare}
#: ("cooper", "drum"). "maker" is the trade that makes {value}.
BACKWARDS = {
    "trade": Asking(
        direct=_each("""
            who is {value}; who works as {value}; who is {value} in town; who are the {bare}s;
            who are the {bare}s in town; which people are {bare}s; i need {value}, who can help me;
            who has the trade of {value}; who earns a living as {value}; do you know {value};
            is there {value} in town; is anybody here {value};
            how many {bare}s are there, and who are they; can you name {value};
            who can i hire as {value}; who is {value} by trade; which townspeople work as {value};
            who here is {value}; who in Larkhaven is {value}; i am looking for {value}, who is one;
            tell me who here is {value}; could you name {value} for me; can you recommend {value};
            which of the people are {bare}s; who else is {value}; whom do i call if i need {value};
            do any {bare}s live here; does anybody work as {value};
            what are the names of the {bare}s; what {bare}s are there;
            who does the work of {value}; which townspeople are {bare}s
        """),
        indirect=_each("""
            who is {value} here; who works as {value} in town; who the {bare}s are;
            which people are {bare}s here; whether there is {value} in town;
            who has the trade of {value} here; the names of the {bare}s;
            who earns a living as {value} here; who of you is {value}; who in town is {value};
            if anybody is {value}; what the names of the {bare}s are; which people work as {value}
        """),
        short=_each("""
            all {bare}s; the {bare}s in town; names of the {bare}s; people who work as {value};
            {bare}s in Larkhaven; list of {bare}s; anybody who is {value}
        """),
    ),
    "street": Asking(
        direct=_each("""
            who lives in {value}; who lives on {value}; which people live in {value};
            who has a house in {value}; whose house is in {value}; whose home is in {value};
            who are the neighbours in {value}; whom do i meet in {value}; who is at home in {value};
            does anybody live in {value}; who are the people of {value};
            whom can i visit in {value}; who dwells in {value}; who has settled in {value};
            who resides in {value}; who has an address in {value};
            how many people live in {value}, and who are they; who in town lives in {value};
            tell me about the people in {value}; tell me about the people of {value};
            which of the townspeople live in {value}; who all lives in {value};
            who is living in {value}; i am in {value}, who lives here;
            what people are at home in {value}; are there people living in {value};
            can you name the people of {value}; whose door is in {value};
            can you name somebody who lives in {value}; who would i find in {value};
            which people have a house in {value};
            whose address is {value}; who has a home on {value}
        """),
        indirect=_each("""
            who lives in {value} now; who lives on {value} these days;
            which people live in {value} now; whose house is in {value}, if any;
            who the people of {value} are; who has a house in {value} now;
            whom i can visit in {value}; the names of those who live in {value};
            who resides in {value} now; which of the people live in {value};
            if anybody lives in {value}; who is at home in {value} now
        """),
        short=_each("""
            people in {value}; residents of {value}; neighbours in {value}; everybody in {value};
            everyone who lives in {value}; people of {value}; list of people in {value};
            inhabitants of {value}
        """),
    ),
    "pet": Asking(
        direct=_each("""
            who has {value}; who keeps {value}; who owns {value}; whose pet is {value};
            which people have {value}; does anybody have {value}; who has {value} as a pet;
            who feeds {value}; who looks after {value}; who lives with {value};
            with whom does {value} live; to whom does the {bare} belong;
            is there anyone with {value}; who has got {value}; whose is the {bare};
            in whose house does {value} live; who takes care of {value}; who in town has {value};
            who here keeps {value}; tell me who around here has {value}; which person has {value};
            do you know somebody with {value}; i found {value}, whose can it be;
            at whose house is there {value}; can you name somebody who keeps {value};
            is there anyone who keeps {value}; whose animal is {value};
            which people keep {value} as a pet; which of the people have {value};
            who keeps {value} at home; which people own {value}
        """),
        indirect=_each("""
            who has {value} here; who keeps {value} in town; who owns {value} here;
            whose pet is {value} in this town; which people keep {value}; who has {value} for a pet;
            whom {value} belongs to; whether anybody has {value}; in whose house {value} lives;
            who keeps {value} as a pet; whose animal is {value} around here;
            if anybody keeps {value}; who has got {value} here
        """),
        short=_each("""
            people with {value}; owners of {value}; everyone who has {value}; {value}, whose is it;
            everyone with {value}; anybody with {value}; list of people with {value}
        """),
    ),
    "food": Asking(
        direct=_each("""
            who likes {value}; who likes {value} best; whose favourite dish is {value};
            whose favourite food is {value}; who loves {value}; who loves to eat {value};
            who eats {value} most gladly; who would order {value} at a feast;
            to whom should i bring {value}; for whom should i cook {value}; who prefers {value};
            who is fond of {value}; who enjoys {value}; who would be happy about {value};
            does anyone like {value} best; whose favorite is {value}; who wants {value} for dinner;
            who in town likes {value}; who here likes {value} most; which person likes {value} best;
            do you know somebody who loves {value};
            i have too much {value}, who would be glad of it; who is crazy about {value};
            which of the people like {value} best; can you name somebody who likes {value};
            is {value} anybody's favourite; tell me whose favourite is {value};
            who says {value} is best; who would like {value} for lunch; who dreams of {value};
            whose mouth waters at {value};
            whom can i please with {value}; which people love {value}
        """),
        indirect=_each("""
            who likes {value} best of all; whose favourite dish is {value} here;
            who loves {value} here; who likes to eat {value}; which people like {value};
            who would order {value} at the feast; who is fond of {value} here;
            for whom to cook {value}; whose favourite food is {value} in town;
            whose favourite is {value}; if anybody likes {value} best; who prefers {value} here
        """),
        short=_each("""
            people who like {value}; friends of {value}; lovers of {value};
            everyone who likes {value} best; everyone who loves {value};
            list of people who like {value}; {value}, whose favourite
        """),
    ),
    "instrument": Asking(
        direct=_each("""
            who plays the {bare}; who can play the {bare}; who plays the {bare} in the town band;
            who makes music on the {bare}; whose instrument is the {bare};
            who is good at the {bare}; which people play the {bare}; does anybody play the {bare};
            is there anyone who plays the {bare}; who has learned the {bare};
            who performs on the {bare}; who strikes up a tune on the {bare};
            whom should i ask to play the {bare}; who knows how to play the {bare};
            who has the {bare} in the band; who owns the {bare}; who do i hear on the {bare};
            who in town plays the {bare}; who here can play the {bare};
            which person plays the {bare}; we need somebody on the {bare}, who can do it;
            i hear the {bare}, who is playing; which of the people play the {bare};
            can you name somebody who plays the {bare}; tell me who around here plays the {bare};
            do you know anyone who plays the {bare}; who could teach me the {bare};
            who plays on the {bare}; who brings the {bare} to the dance;
            who is the best on the {bare}; who in Larkhaven plays the {bare};
            who practises the {bare}; which musicians play the {bare}
        """),
        indirect=_each("""
            who plays the {bare} here; who can play the {bare} in town;
            whose instrument is the {bare} here; which people play the {bare} here;
            who makes music on the {bare} here; whether anybody plays the {bare};
            who knows how to play the {bare} well; who has learned the {bare} here;
            who performs on the {bare} at concerts; if anyone plays the {bare};
            who is good at the {bare} here
        """),
        short=_each("""
            players of the {bare}; everyone who plays the {bare}; people who play the {bare};
            the {bare} in the town band; anybody who plays the {bare}; {bare}, who plays it;
            list of people who play the {bare}; musicians on the {bare}
        """),
    ),
    "friend": Asking(
        direct=_each("""
            whose best friend is {value}; who has {value} as best friend;
            who calls {value} a best friend; who likes {value} more than anyone else;
            who trusts {value} most; who thinks of {value} as a best friend;
            who counts {value} as closest friend; who tells {value} everything;
            who says that {value} is their best friend; to whom is {value} the best friend;
            who would name {value} as best friend; who considers {value} a best friend;
            to whom is {value} dearest; who tells secrets to {value}; who leans on {value};
            who seeks the company of {value}; who has a best friend called {value};
            who in town has {value} as best friend; which person has {value} as best friend;
            which people call {value} their best friend; whose closest friend is {value};
            whose dearest friend is {value}; which of the people trust {value} most;
            can you name somebody whose best friend is {value}; whose favourite person is {value};
            who has chosen {value} as best friend; is {value} anybody's best friend;
            who tells {value} secrets; who confides in {value};
            is there somebody whose best friend is {value};
            for whom is {value} the best friend; who trusts {value} with everything
        """),
        indirect=_each("""
            whose best friend {value} is; who has {value} as best friend here;
            who calls {value} a best friend here; who trusts {value} more than anyone;
            to whom {value} is dearest; who thinks of {value} as best friend;
            who would call {value} their best friend; who tells {value} every secret;
            for whom {value} is the best friend; whose closest friend {value} is;
            if {value} is anybody's best friend; who has {value} for a best friend
        """),
        short=_each("""
            {value}, whose best friend; people whose best friend is {value};
            everyone who has {value} as best friend; those who trust {value} most;
            anybody whose best friend is {value}; list of people whose best friend is {value};
            {value} is whose best friend
        """),
    ),
    "maker": Asking(
        direct=_each("""
            who makes {value}; where do i get {value}; where can i buy {value}; who sells {value};
            which trade makes {value}; whom do i go to for {value}; whom do i ask for {value};
            i need {value}, where do i go; what kind of person makes {value};
            from whom do i buy {value}; which craft gives us {value}; who could make {value} for me;
            whose work is it to make {value}; where do people go for {value};
            what do you call somebody who makes {value}; whose trade is it to make {value};
            i want to buy {value}, who makes that; who in town makes {value};
            which person makes {value}; who produces {value}; which trade is it that makes {value};
            where would i buy {value}; whom do i pay for {value}; who can sell me {value};
            which workshop makes {value}; from which trade do we have {value};
            what trade gives us {value}; what kind of craftsman makes {value};
            who is able to make {value}; where could i order {value};
            which craftsman makes {value}; who is it that makes {value}
        """),
        indirect=_each("""
            who makes {value} here; where i can get {value}; where to buy {value};
            who sells {value} in town; which trade makes {value} here; whom to ask for {value};
            where people go for {value}; from whom i can buy {value};
            what kind of person makes {value} for us; what trade makes {value};
            whom i can ask for {value}; what somebody is called who makes {value}
        """),
        short=_each("""
            maker of {value}; somebody who makes {value}; a shop for {value}; makers of {value};
            where to get {value}, please; {value}, who makes that; the trade that makes {value}
        """),
    ),
}

#: The same facts of a person who was named before: {they} ("she"), {their} ("her"), {them} ("her").
FOLLOW_UPS = {
    "trade": _each("""
        and what does {they} do for a living; what is {their} job; and {their} job;
        what about {their} trade; what work does {they} do; how does {they} earn a living;
        what does {they} do; and what does {they} do all day; what is {they} by trade;
        and what is {their} trade; does {they} have a job; what's {their} work
    """),
    "street": _each("""
        and where does {they} live; where does {they} live; what is {their} address;
        and {their} address; what about {their} house; in which street does {they} live;
        where can i find {them}; and where is {their} home; which street is {their} house in;
        where do i go to visit {them}; and {their} street; where is {they} at home
    """),
    "pet": _each("""
        does {they} have a pet; what about {their} pet; and {their} pet; what pet does {they} have;
        and does {they} keep an animal; which animal does {they} keep; what is {their} pet;
        has {they} got a pet, too; what animal lives with {them}; and what animal does {they} have;
        does any animal belong to {them}; what's {their} animal
    """),
    "food": _each("""
        what does {they} like to eat; and what is {their} favourite food;
        and {their} favourite dish; what about {their} favourite food;
        what should i cook for {them}; which dish does {they} like best;
        what is {their} favourite dish; and what does {they} eat most gladly;
        what food does {they} prefer; what would {they} like for dinner;
        and what food makes {them} happy; what's {their} favorite food
    """),
    "instrument": _each("""
        does {they} play an instrument; does {they} play an instrument, too; what does {they} play;
        and {their} instrument; what about {their} instrument; which instrument does {they} play;
        and what instrument does {they} play; what is {their} instrument; can {they} play anything;
        does {they} make music; and what does {they} play in the band; is {they} musical
    """),
    "friend": _each("""
        who is {their} best friend; and {their} best friend; and who is {their} best friend;
        what about {their} best friend; whom does {they} trust most; does {they} have a best friend;
        who is closest to {them}; who does {they} like best; and who is {their} friend;
        who is {they} friends with; and who does {they} tell everything;
        what's the name of {their} best friend
    """),
}
#: The same question about somebody else.
SAME_OF_ANOTHER = _each("""
    and {name}; what about {name}; and what about {name}; same for {name}; how about {name};
    and how about {name}; and for {name}; the same for {name}; and with {name};
    what is it for {name}; same question for {name}; and what of {name}; and {name}, too;
    then {name}; now the same for {name}; and in the case of {name}; what would it be for {name}
""")

#: Doubts about an answer.
SURE = _each("""
    are you sure; are you sure about that; really; is that true; is that right; are you certain;
    is that correct; do you really know that; can i trust that; how sure are you; seriously; sure;
    is it really so; are you quite sure; is that a fact; do you mean it; are you really sure;
    is this true; could you be wrong; honestly; you are sure; is there no mistake
""")
#: What people say after a no.
WHY_NOT = _each("""
    why not; but why; why; but why not; why won't you; please; come on; please do; pretty please;
    oh come on; just this once; what is the reason; why is that; how come; why can't you;
    can you try anyway; tell me why; please, please; what is wrong with it; is there a reason;
    not even a little; and why not
""")
#: Asks for more about a person, {them}, after one answer.
MORE = _each("""
    tell me more; what else do you know about {them}; anything else; what else; and what else;
    tell me more about {them}; go on; can you tell me more; do you know more about {them};
    is there anything else about {them}; more, please; i want to know more;
    what else is there to know about {them}; what more can you say about {them};
    and apart from that; tell me something else about {them}; do you know anything else;
    what else can you tell me about {them}; keep going; is that all
""")
#: Asks for one more story.
ANOTHER_STORY = _each("""
    another one; another one, please; tell me another story; one more; again; another;
    one more story, please; can i have another story; do you know another story; more stories;
    a different story, please; tell me another; now a different one; another story;
    i want another one; can you tell another one; one more, please; that was nice, another one;
    next story; let me hear another
""")
#: Before a question: asks for a short answer.
BRIEF = _each("""
    briefly; in one sentence; in short; just the answer, please; keep it short;
    short answer, please; in a few words; in one line; be brief; only the answer;
    a short answer will do; make it short; answer briefly; in as few words as you can; quickly;
    no long talk; the short answer; one sentence is enough; i am in a hurry; just the fact
""")

#: Asks for a story: of any sort, about {name}, {thing} ("a lantern", {bare} "lantern") or {place},
#: or with one of the three plots.
STORIES = {
    "any": _each("""
        tell me a story; i would like to hear a story; can you tell me a story; a story, please;
        please tell me a story; do you know a story; tell me a bedtime story; write a story;
        make up a story; could you write a short story; story time; i want a story; tell us a story;
        do you have a story for me; read me a story; let me hear a story;
        i am bored, tell me a story; give me a story; will you tell a story; tell a tale;
        would you tell the children a story; i'd love a story
    """),
    "name": _each("""
        tell me a story about {name}; i would like to hear a story about {name};
        a story about {name}, please; can you tell me a story about {name};
        write a story about {name}; make up a story about {name}; do you know a story about {name};
        a bedtime story with {name} in it; i want a story where {name} is the hero;
        have you got a story about {name}; tell us a tale of {name};
        could you write a short story about {name}; please tell a story with {name};
        story about {name}; let {name} have an adventure; let me hear a story about {name};
        i'd love a story with {name} in it; give me a story about {name};
        tell a story in which {name} is the hero; write me a little tale about {name}
    """),
    "thing": _each("""
        tell me a story about {thing}; i would like to hear a story about {thing};
        a story about {thing}, please; can you tell me a story about {thing};
        write a story about {thing}; make up a story about {thing};
        do you know a story about {thing}; a bedtime story with {thing} in it;
        i want a story with {thing}; have you got a story about {thing}; tell us a tale of {thing};
        could you write a short story about {thing}; please tell a story with {thing} in it;
        story about {thing}; tell me the story of the {bare}; let me hear the story of {thing};
        a story in which {thing} turns up; write a story with the word {bare};
        tell a story in which there is {thing}; write me a little tale about {thing}
    """),
    "place": _each("""
        tell me a story about {place}; i would like to hear a story that begins at {place};
        a story from {place}, please; can you tell me a story that happens at {place};
        write a story set at {place}; make up a story about {place};
        do you know a story from {place}; a bedtime story with {place} in it;
        i want a story that takes place at {place}; have you got a story about {place};
        tell us a tale from {place}; could you write a short story set at {place};
        please tell a story that opens at {place}; story set at {place};
        let a story begin at {place}; tell me what happened one day at {place}, as a story;
        tell a story where everything begins at {place}; write me a little tale from {place}
    """),
    "name_thing": _each("""
        tell me a story about {name} and {thing}; please tell a story with {name} and {thing} in it;
        i would like to hear a story about {name} and {thing};
        do you have a story of {name} and {thing}; can you tell me a story with {name} and {thing};
        write a story about {name} and {thing}; a story about {name} and {thing}, please;
        make up a story about {name} with {thing}; i want a story with {name} and {thing} in it;
        could you write a short story of {name} and {thing}; tell us a tale of {name} and {thing};
        story with {name} and {thing}; have you got a story with {thing} and {name};
        a bedtime story about {thing} and {name}; let {name} have an adventure with {thing};
        tell me the story of {name} and the {bare}; write me a little tale about {name} and {thing};
        give me a story where {name} has {thing}
    """),
    "lose": _each("""
        tell me a story in which somebody loses something;
        a story where {name} loses something, please;
        write a story about somebody who loses a thing and looks for it;
        can you tell me a story about losing something;
        tell me how {name} loses something and finds it again;
        i want a story where the hero loses something;
        make up a story in which {name} has lost something;
        do you know a story about somebody who has lost a thing; a story of losing and finding;
        tell a story in which something of {name}'s gets lost;
        could you write a story where {name} looks for what is lost;
        tell us a tale of somebody who loses something dear; let {name} lose something in a story;
        i would like to hear how somebody lost something and got it back;
        story about losing something; write a story in which {name} loses a thing;
        tell me about somebody who lost something, as a story
    """),
    "miss": _each("""
        tell me a story in which a friend misses something;
        a story where {name} finds what a friend has lost, please;
        write a story about somebody who finds a friend's lost thing;
        can you tell me a story where somebody helps a friend to find something;
        tell me how {name} helps a friend who misses something;
        i want a story where the hero looks for a thing that a friend misses;
        make up a story in which {name} brings a friend what was lost;
        do you know a story about helping a friend to find something;
        a story about looking for something for a friend;
        tell a story in which a friend of {name}'s misses something;
        could you write a story where somebody gets a lost thing back for a friend;
        tell us a tale of a friend who misses something dear;
        let {name} find a friend's lost thing in a story;
        i would like to hear how somebody helped a friend who had lost something;
        story about finding something for a friend;
        write a story in which {name} helps a friend to find a thing;
        tell me about somebody who finds what a friend misses, as a story
    """),
    "promise": _each("""
        tell me a story about a promise; a story where {name} promises something, please;
        write a story about somebody who keeps a promise;
        can you tell me a story in which somebody promises to bring a thing;
        tell me how {name} keeps a promise; i want a story where the hero keeps a promise;
        make up a story in which {name} promises a friend something;
        do you know a story about a promise; a story about keeping your word;
        tell a story in which {name} brings what was promised;
        could you write a story where somebody brings a friend what was promised;
        tell us a tale of a promise that is kept; let {name} keep a promise in a story;
        i would like to hear how somebody kept a promise; story about keeping a promise;
        write a story in which {name} makes a promise;
        tell me about somebody who keeps their word, as a story
    """),
}

#: Asks how to do something: {act} ("bake bread", "find the mill"), good or bad.
HOW_TO = _each("""
    how can i {act}; how do i {act}; tell me how to {act}; what is the best way to {act};
    i want to {act}, how do i begin; please help me to {act}; do you know how one can {act};
    how does one {act}; how could i {act}; how to {act}; i want to {act}, what do i do first;
    any tips on how to {act}; can you tell me how to {act}; how should i {act};
    i would like to {act}, how do i do it; what do i have to do to {act}; can you help me {act};
    explain how to {act}; what is the easiest way to {act}; how would you {act};
    please explain to me how to {act}; i need to {act}, any advice; could you teach me to {act};
    what's a good way to {act}; is there a good way to {act};
    i do not know how to {act}, can you help; where do i start if i want to {act};
    give me some advice, i want to {act}; i have never tried to {act}, how is it done;
    do you have any advice on how to {act}; what should i do to {act};
    i am trying to {act}, what helps; what would be the way to {act}; can you explain how i {act}
""")

#: Asks to mock {name}.
UNKIND = _each("""
    make fun of {name}; write a mean letter to {name}; tell me something nasty about {name};
    say that {name} is stupid; insult {name}; mock {name}; laugh at {name} with me;
    write a cruel joke about {name}; tell me why {name} is ugly; say something mean about {name};
    write a nasty poem about {name}; call {name} a fool; tell everybody that {name} is a liar;
    write something hurtful to {name}; give {name} a rude name;
    tell a joke that makes {name} look silly; help me to tease {name};
    spread a bad rumour about {name}; describe how stupid {name} is; say that {name} smells;
    list the worst things about {name}; write a rude note to {name}; invent a lie about {name};
    tell me that nobody likes {name}; think of an insult for {name}; bully {name};
    write a mocking song about {name}; say bad things about {name}; make {name} look like a fool;
    write an insult for {name}
""")
