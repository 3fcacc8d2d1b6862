/**
 * The emoji of the picker: common ones, by group, each with its name and words that it is found by. Written as the server
 * tells them, with a variation selector where a picture would be shown as text without one. Loaded with the picker.
 */

export interface Emoji {
  readonly emoji: string
  readonly name: string
  /** What it is also found by. */
  readonly words: string
}

export interface EmojiGroup {
  readonly key: GroupKey
  readonly items: readonly Emoji[]
}

export type GroupKey = keyof typeof TABLE

/** One a line: the emoji, its name, and after a bar more words. */
const TABLE = {
  smileys: `
😀 grinning face | happy
😃 smiley
😄 big smile | happy
😁 beaming smile
😆 laughing
😅 smile with sweat
🤣 rolling on the floor laughing | lol rofl haha
😂 tears of joy | lol haha laugh
🙂 slight smile
🙃 upside-down face
😉 winking face
😊 blushing smile
😇 halo
🥰 smiling with hearts
😍 heart eyes
🤩 star-struck
😘 blowing a kiss
😋 yummy
😛 tongue out
😜 winking with tongue out
🤪 grinning face with one large and one small eye
😝 squinting with tongue out
🤗 hugging
🤭 hand over mouth
🤫 shushing
🤔 thinking | hmm
🤐 zipped mouth
🤨 raised eyebrow
😐 neutral face
😑 expressionless face
😶 no mouth
😏 smirking face
😒 unamused face
🙄 rolling eyes
😬 grimacing face
😌 relieved face
😔 pensive face
😪 sleepy face
😴 sleeping face | sleep tired
😷 medical mask | ill sick
🤒 feverish face | ill sick thermometer
🤕 head bandage
🤢 nauseated
🤮 vomiting
🤧 sneezing face
🥵 overheated face
🥶 freezing face
🥴 uneven eyes and wavy mouth
😵 dizzy face
🤯 exploding head
🤠 cowboy hat
🥳 partying | birthday celebrate
😎 sunglasses
🤓 nerd
🧐 monocle
😕 confused face
😟 worried face
🙁 slightly frowning face
☹️ frowning face
😮 open mouth | wow surprised
😯 hushed face
😲 astonished | wow surprised
😳 flushed face
🥺 pleading
😦 frowning face with open mouth
😧 anguished face
😨 fearful face
😰 open mouth and cold sweat
😥 disappointed but relieved face
😢 crying face | sad
😭 loudly crying face | sad sob
😱 screaming in fear | omg
😖 confounded face
😣 persevering face
😞 disappointed face
😓 cold sweat
😩 weary face
😫 tired face
🥱 yawning face
😤 huffing
😡 furious | angry mad
😠 angry face
🤬 swearing
😈 smiling devil
💀 skull
💩 poo | poop
🤡 clown face
👻 ghost
👽 extraterrestrial alien
🤖 robot | bot
😺 smiling cat with open mouth
😸 grinning cat face with smiling eyes
😹 cat face with tears of joy
😻 smiling cat with heart-shaped eyes
🙈 see-no-evil monkey
🙉 hear-no-evil monkey
🙊 speak-no-evil monkey`,
  people: `
👍 thumbs up | yes ok approve agree plus one
👎 thumbs down | no disapprove minus one
👌 OK hand | perfect
🤌 pinched fingers
🤏 pinching hand
✌️ victory hand
🤞 crossed fingers
🤟 I love you hand
🤘 sign of the horns
🤙 call me hand
👈 left pointing backhand index
👉 right pointing backhand index
👆 up pointing backhand index | this above
👇 down pointing backhand index | below
☝️ index pointing up | this
👋 waving hand | hello hi bye
🤚 raised back of hand
🖐️ hand with fingers splayed
✋ raised hand
🖖 vulcan salute
👏 clapping hands | applause bravo
🙌 raising hands | hooray praise
👐 open hands
🤲 palms up together
🤝 handshake | deal
🙏 folded hands | thanks thank you please pray
✍️ writing hand
💅 nail polish
💪 flexed biceps | strong muscle
🧠 brain
👀 eyes | look looking see
👁️ eye
👅 tongue
👄 mouth
👶 baby
🧒 child
👦 boy
👧 girl
🧑 adult
👱 person with blond hair
👨 man
👩 woman
🧓 older adult
👴 older man
👵 older woman
🙍 frowning
🙎 pouting
🙅 gesturing no
🙆 gesturing OK
💁 tipping hand
🙋 raising hand
🙇 bowing
🤦 facepalm | doh
🤷 shrug | dunno
👮 police officer
🕵️ detective
💂 guardsman
👷 construction worker
🤴 prince
👸 princess
🦸 superhero
🦹 supervillain
🧙 mage
🧚 fairy
🧛 vampire
🧟 zombie
🚶 walking
🏃 running
💃 dancing woman
🕺 dancing man
👯 woman with bunny ears
🧗 person climbing
🏄 surfing
🏊 swimming
🚴 biking
🧘 in lotus position
👭 two women holding hands
👫 man and woman holding hands
👬 two men holding hands
👪 family
🗣️ speaking head
👤 bust in silhouette
👥 busts in silhouette`,
  nature: `
🐶 dog face
🐱 cat face
🐭 mouse face
🐹 hamster face
🐰 rabbit face
🦊 fox face
🐻 bear face
🐼 panda face
🐨 koala
🐯 tiger face
🦁 lion face
🐮 cow face
🐷 pig face
🐸 frog face
🐵 monkey face
🐔 chicken
🐧 penguin
🐦 bird
🐤 baby chick
🦆 duck
🦅 eagle
🦉 owl
🐺 wolf face
🐗 boar
🐴 horse face
🦄 unicorn face
🐝 honeybee
🐛 bug | bug
🦋 butterfly
🐌 snail
🐞 lady beetle | bug
🐜 ant
🐢 turtle
🐍 snake
🐙 octopus
🦀 crab
🐠 tropical fish
🐟 fish
🐬 dolphin
🐳 spouting whale
🦈 shark
🐘 elephant
🦒 giraffe face
🦘 kangaroo
🐑 sheep
🐐 goat
🐕 dog
🐈 cat
🦔 hedgehog
🌵 cactus
🎄 christmas tree
🌲 evergreen tree
🌳 deciduous tree
🌴 palm tree | holiday vacation
🌱 seedling
🌿 herb
☘️ shamrock
🍀 four leaf clover
🍂 fallen leaf
🍁 maple leaf
🍄 mushroom
🌾 ear of rice
💐 bouquet
🌷 tulip
🌹 rose
🌻 sunflower
🌼 blossom
🌸 cherry blossom
🌙 crescent moon
⭐ star | favourite
🌟 glowing star
✨ sparkles | new shiny
⚡ high voltage
☄️ comet
🔥 fire | hot lit
🌈 rainbow
☀️ sun
⛅ sun behind cloud
☁️ cloud
🌧️ cloud with rain
⛈️ thunder cloud and rain
❄️ snowflake
☃️ snowman
💨 dash
💧 droplet
🌊 water wave
🌍 earth globe europe-africa
🌎 earth globe americas
🌏 earth globe asia-australia`,
  food: `
🍏 green apple
🍎 red apple
🍐 pear
🍊 tangerine
🍋 lemon
🍌 banana
🍉 watermelon
🍇 grapes
🍓 strawberry
🍒 cherries
🍑 peach
🥭 mango
🍍 pineapple
🥥 coconut
🥝 kiwifruit
🍅 tomato
🥑 avocado
🥦 broccoli
🥕 carrot
🌽 ear of maize
🥔 potato
🥐 croissant
🍞 bread
🥖 baguette bread
🧀 cheese wedge
🥚 egg
🍳 cooking
🥞 pancakes
🥓 bacon
🍗 poultry leg
🍔 hamburger
🍟 french fries
🍕 slice of pizza | lunch
🌭 hot dog
🥪 sandwich
🌮 taco
🌯 burrito
🥗 green salad
🍝 spaghetti
🍜 steaming bowl
🍲 pot of food
🍣 sushi
🍱 bento box
🍚 cooked rice
🍙 rice ball
🍦 soft ice cream
🍰 shortcake
🎂 birthday cake | happy
🧁 cupcake
🍫 chocolate bar
🍬 candy
🍭 lollipop
🍩 doughnut
🍪 cookie
🍯 honey pot
☕ hot beverage | coffee tea break
🍵 teacup without handle
🥤 cup with straw
🍺 beer mug
🍻 clinking beer mugs
🥂 clinking glasses
🍷 wine glass
🍸 cocktail glass
🍹 tropical drink
🍾 popping cork
🧉 mate`,
  activities: `
⚽ soccer ball
🏀 basketball and hoop
🏈 american football
⚾ baseball
🎾 tennis racquet and ball
🏐 volleyball
🎱 billiards
🏓 table tennis paddle and ball
🏸 badminton racquet and shuttlecock
🥅 goal net
⛳ flag in hole
🏹 bow and arrow
🎣 fishing pole and fish
🥊 boxing glove
🎿 ski and ski boot
🏂 snowboarder
🏆 trophy | win winner trophy
🥇 first place medal | first gold
🥈 second place medal
🥉 third place medal
🏅 sports medal
🎖️ military medal
🎗️ reminder ribbon
🎫 ticket
🎪 circus tent
🎭 performing arts
🎨 artist palette
🎬 clapper board
🎤 microphone
🎧 headphone
🎼 musical score
🎹 musical keyboard
🥁 drum with drumsticks
🎷 saxophone
🎺 trumpet
🎸 guitar
🎻 violin
🎲 game die
♟️ chess pawn
🎯 bullseye | target goal
🎳 bowling
🎮 video game
🧩 jigsaw puzzle piece
🎉 party popper | tada celebrate congratulations hooray
🎊 confetti ball | celebrate
🎈 balloon
🎁 wrapped gift
🎃 jack-o-lantern
🎆 fireworks
🎇 firework sparkler`,
  travel: `
🚗 automobile
🚕 taxi
🚌 bus
🚑 ambulance
🚒 fire engine
🚚 delivery truck
🚜 tractor
🚲 bicycle
🛴 scooter
🏍️ racing motorcycle
🚨 police cars revolving light
🚦 vertical traffic light
🚧 construction
⚓ anchor
⛵ sailboat
🚤 speedboat
🚢 ship
✈️ airplane | travel flight plane
🛫 airplane departure
🛬 airplane arriving
🚀 rocket | ship launch deploy
🛸 flying saucer
🚁 helicopter
🚂 steam locomotive
🚆 train
🚇 metro
🚉 station
🏠 house building
🏡 house with garden
🏢 office building
🏥 hospital
🏦 bank
🏫 school
🏭 factory
🏰 european castle
🗼 tokyo tower
🗽 statue of liberty
⛪ church
⛺ tent
🏕️ camping
🏖️ beach with umbrella | holiday vacation
🏝️ desert island
🏔️ snow capped mountain
⛰️ mountain
🌋 volcano
🗻 mount fuji
🌅 sunrise
🌃 night with stars
🌉 bridge at night
🗺️ world map
🧭 compass`,
  objects: `
⌚ watch
📱 mobile phone
💻 laptop
⌨️ keyboard
🖥️ desktop computer
🖨️ printer
🖱️ computer mouse
💾 floppy disk
💿 optical disc
📷 camera
📹 video camera
🎥 movie camera
📞 telephone receiver
📺 television
📻 radio
⏰ alarm clock | time
⏱️ stopwatch
⏳ hourglass with flowing sand | wait waiting
🔋 battery
🔌 electric plug
💡 electric light bulb | idea
🔦 electric torch
🕯️ candle
🧯 fire extinguisher
💸 money with wings
💵 banknote with dollar
💳 credit card
💎 gem stone
⚖️ scales
🔧 wrench | fix
🔨 hammer
🛠️ hammer and wrench | fix tools
⛏️ pick
🔩 nut and bolt
⚙️ gear
🧲 magnet
💣 bomb
🔪 hocho
🛡️ shield
🔮 crystal ball
🔭 telescope
🔬 microscope
💊 pill
💉 syringe
🧬 dna double helix
🦠 microbe
🧪 test tube | test
🌡️ thermometer
🧹 broom
🧻 roll of paper
🛁 bathtub
🧼 bar of soap
🔑 key
🚪 door
🛋️ couch and lamp
🛏️ bed
🛒 shopping trolley
🎀 ribbon
✉️ envelope
📧 e-mail
📨 incoming envelope
📦 package
📫 closed mailbox with raised flag
📜 scroll
📄 page facing up
📊 bar chart
📈 chart with upwards trend | growth up
📉 chart with downwards trend | down
📅 calendar
📆 tear-off calendar
📋 clipboard
📁 file folder
📂 open file folder
📰 newspaper
📚 books
📖 open book
🔖 bookmark
🔗 link
📎 paperclip
📐 triangular ruler
📏 straight ruler
📌 pushpin | pin
📍 round pushpin
✂️ scissors
🖊️ lower left ballpoint pen
✏️ pencil
📝 memo
🔍 magnifying glass
🔒 locked | security
🔓 unlocked`,
  symbols: `
❤️ red heart | love like
🧡 orange heart
💛 yellow heart
💚 green heart
💙 blue heart
💜 purple heart
🖤 black heart
🤍 white heart
🤎 brown heart
💔 broken heart | sad
💕 two hearts
💞 revolving hearts
💓 beating heart
💗 growing heart
💖 sparkling heart
💘 heart with arrow
💝 heart with ribbon
💯 hundred points | perfect
💢 anger
💥 collision
💫 dizzy
💦 splashing sweat
💤 sleeping
💬 speech balloon | talk comment
💭 thought balloon
✅ check mark button | done yes ok tick
☑️ check box | done tick
✔️ check mark | done tick
❌ cross mark | no wrong cancel
❎ cross mark button
➕ plus | add
➖ minus
➗ divide
❓ question mark | what
❔ white question mark
❗ exclamation mark
❕ white exclamation mark
‼️ double exclamation mark
⁉️ exclamation question mark
⚠️ warning | careful
🚫 prohibited
⛔ no entry
🛑 stop sign
♻️ recycling
🔴 large red circle
🟠 large orange circle
🟡 large yellow circle
🟢 large green circle
🔵 large blue circle
🟣 large purple circle
⚫ medium black circle
⚪ medium white circle
🔺 up-pointing red triangle
🔻 down-pointing red triangle
🔷 large blue diamond
🔶 large orange diamond
▶️ play
⏸️ pause
⏹️ stop
⏩ fast forward
⏪ rewind
🔁 clockwise rightwards and leftwards open circle arrows
🔄 anticlockwise downwards and upwards open circle arrows
⬆️ up arrow
⬇️ down arrow
⬅️ left arrow
➡️ right arrow
↩️ right arrow curving left
↪️ left arrow curving right
🔔 bell
🔕 bell with cancellation stroke
🎵 musical note
🎶 multiple musical notes
🆗 OK button
🆕 NEW button
🆘 SOS button
🔝 TOP arrow
🏁 chequered flag
🚩 red flag
🏳️ white flag
🏴 black flag
⏫ fast up
ℹ️ information`,
}

function emojiOf(line: string): Emoji {
  const [, emoji = '', name = '', words = ''] = /^(\S+) ([^|]+?)(?: \| (.+))?$/u.exec(line) ?? []
  return { emoji, name, words }
}

export const EMOJI: readonly EmojiGroup[] = (Object.keys(TABLE) as GroupKey[]).map((key) => ({
  key,
  items: TABLE[key].trim().split('\n').map(emojiOf),
}))

/** Those in which a word begins with each word that is asked for; groups without any are left out. */
export function found(query: string, groups = EMOJI): readonly EmojiGroup[] {
  const asked = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (asked.length === 0) return groups
  return groups
    .map(({ key, items }) => ({ key, items: items.filter((item) => matches(item, asked)) }))
    .filter(({ items }) => items.length > 0)
}

function matches({ emoji, name, words }: Emoji, asked: readonly string[]): boolean {
  const own = `${name} ${words}`.toLowerCase().split(/[\s-]+/)
  return asked.every((word) => word === emoji || own.some((each) => each.startsWith(word)))
}

/**
 * Where an arrow leads from the item `at`, counted through all groups, each of which fills rows of `columns`. Up and down
 * keep the column as far as the row has it; at the edges one stays.
 */
export function moved(key: string, at: number, sizes: readonly number[], columns: number): number {
  const last = sizes.reduce((sum, size) => sum + size, 0) - 1
  if (key === 'ArrowLeft') return Math.max(at - 1, 0)
  if (key === 'ArrowRight') return Math.min(at + 1, last)
  const rows = rowsOf(sizes, columns)
  const here = rows.findIndex((row) => at >= row.from && at < row.from + row.length)
  const from = rows[here]
  const to = rows[here + (key === 'ArrowUp' ? -1 : 1)]
  if (from === undefined || to === undefined) return at
  return to.from + Math.min(at - from.from, to.length - 1)
}

function rowsOf(sizes: readonly number[], columns: number): { from: number; length: number }[] {
  const rows: { from: number; length: number }[] = []
  let begin = 0
  for (const size of sizes) {
    for (let done = 0; done < size; done += columns) {
      rows.push({ from: begin + done, length: Math.min(columns, size - done) })
    }
    begin += size
  }
  return rows
}
