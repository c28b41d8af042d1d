// English names of the sample corpus, and the product names both languages share.

/** Splits a list of names at its spaces. */
function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Splits a list of phrases at its semicolons. */
function phrases(text: string): string[] {
  return text.trim().replace(/\s+/g, ' ').split('; ');
}

/** Every stem with every ending, e.g. `Ash` + `ford` and `ton`. */
function joined(stems: string, endings: string): string[] {
  return words(stems).flatMap((stem) => words(endings).map((ending) => stem + ending));
}

/** Titles of the form `The Adjective Noun`. */
function titles(adjectives: string, nouns: string): string[] {
  return words(adjectives).flatMap((adjective) => words(nouns).map((noun) => `The ${adjective} ${noun}`));
}

export const MALE_FIRST: string[] = words(`James Oliver Henry Thomas Daniel Martin Peter Simon Victor Austin Lewis Hugo
  Edmund Gareth Owen Patrick Rafael Stefan Anton Marek Tomas Karl Louis Felix Arthur Walter George Samuel Isaac Julian
  Adrian Colin Duncan Neil Gordon Howard Kenji Omar Tariq Ravi Pablo Diego Marco Luca Sven Lars Nils Jonas Emil Will Aaron
  Basil Cedric Dennis Elliot Frank Gilbert Harvey Ivan Jerome Kevin Leonard Malcolm Norman Oscar Percy Quentin Roger Stanley
  Tobias Ulrich Vincent Wilfred Yusuf Zachary Andres Boris Conrad Dmitri Erik Fernando Giorgio Hiroshi Ibrahim Javier Klaus
  Lorenzo Mateo Nikolai Otto Pedro Reza Stephen Timothy
  Albert Alan Angus Archie Barnaby Benedict Bernard Bruce Byron Calvin Cameron Clement Clifford Craig Curtis Cyril Damian Derek
  Desmond Dominic Donald Douglas Dylan Edgar Ernest Ethan Evan Ewan Fergus Finlay Floyd Francis Gavin Geoffrey Gerald Gregory
  Harold Hector Herbert Horace Hubert Humphrey Ian Irving Jasper Joel Jonah Keith Kenneth Kurt Lance Leon Lloyd Lucas Luther
  Magnus Maurice Milton Morris Murray Nathan Nigel Noel Norris Orson Oswald Ralph Randall Raymond Reginald Rodney Roland Ronan
  Rowan Rufus Russell Seamus Sheldon Silas Spencer Sterling Terence Theodore Travis Trevor Tyrone Vernon Wallace Wesley Winston`);

export const FEMALE_FIRST: string[] =
  words(`Alice Emma Charlotte Helen Laura Rachel Susan Victoria Hannah Grace Hope Rose
  Clara Nora Julia Sofia Marta Elena Irene Diana Monica Teresa Ingrid Astrid Greta Lena Paula Carmen Lucia Fiona Moira
  Bridget Keiko Amina Leila Priya Anita Judith Naomi Esther Miriam Phoebe Daphne Sylvia Iris Florence Sydney
  Abigail Beatrice Cecilia Dorothy Eleanor Frances Georgia Harriet Isabel Jessica Katherine Lydia Margaret Nina Olivia Penelope
  Ruth Sarah Tamara Ursula Veronica Wendy Yasmin Zelda Agnes Bianca Claudia Delia Edith Fatima Gabriela Hilda Ines Johanna
  Karen Linda Mina Noor Olga Paola Renata Sonia Theresa Valeria
  Ada Adele Alma Amanda Amelia Annabel Antonia Audrey Barbara Belinda Bertha Bonnie Camilla Caroline Cassandra Celeste Celia
  Chloe Christine Clarissa Constance Cora Cordelia Cynthia Deborah Deirdre Denise Dinah Dora Doris Edna Elaine Eliza Eloise Elsa
  Erica Estelle Eunice Eva Evelyn Felicity Freda Genevieve Gertrude Gillian Gladys Gloria Guinevere Gwen Hazel Heather
  Henrietta Hester Imogen Irma Isla Ivy Jacqueline Janet Jasmine Jemima Joan Jocelyn Josephine Joyce Juliet Justine Kirsten
  Laverne Leonora Lillian Lorna Louisa Lucinda Mabel Madeleine Marcia Marian Matilda Maud Melanie Mildred Millicent Minerva Morag
  Muriel Myra Nadine Nancy Odette Ophelia Pauline Petra Philippa Prudence Rhoda Rosalind Rosemary Rowena Sabrina Selma Stella`);

export const SURNAMES: string[] = words(`Walker Hughes Palmer Fletcher Mason Turner Baker Cooper Barker Langley
  Harrington Ellison Doyle Keane Brennan Gallagher Sinclair Fraser Lindqvist Nilsson Berg Hansen Dahl Novak Horvat
  Kowalski Petrov Ivanova Moreau Lefevre Dubois Garnier Rossi Bianchi Ferrara Mendes Carvalho Ortega Vargas Castillo
  Tanaka Suzuki Okafor Mensah Haddad Rahman Kapoor Sharma Iyer Nguyen Chen Lincoln Jackson Washington Hamilton Bell
  Stone Rivers Field Marsh Frost Winter North West Page King Bishop Knight Young Long Gray Brown Hawthorne
  Pemberton Underwood Thackeray Osborne Weaver Prescott Hollis Merritt Vaughan Redmond Calloway Stanton Huxley Drummond`).concat(
  joined(
    'Ash Brad Hart Whit Wex Thorn Mar Hal Bram Col Ever Linden Black Cran Dun Elm Gar Hol Kings Red',
    'ford ley well wood worth man combe field ridge',
  ),
);

export const CITIES: string[] =
  phrases(`London; Paris; Vienna; Prague; Lisbon; Dublin; Glasgow; Cardiff; Bristol; Leeds;
  York; Oxford; Boston; Chicago; Austin; Denver; Seattle; Lincoln; Jackson; Hamilton; Washington; Toronto; Montreal;
  Sydney; Melbourne; Perth; Auckland; Cape Town; Nairobi; Lagos; Accra; Cairo; Tunis; Istanbul; Athens; Rome; Florence;
  Turin; Naples; Madrid; Seville; Valencia; Porto; Lyon; Nantes; Lille; Brussels; Antwerp; Rotterdam; Utrecht; Hamburg;
  Munich; Leipzig; Dresden; Zurich; Geneva; Basel; Oslo; Bergen; Stockholm; Malmo; Helsinki; Tallinn; Riga; Vilnius;
  Warsaw; Krakow; Gdansk; Kyiv; Lviv; Odesa; Kharkiv; Poltava; Chernivtsi; Budapest; Zagreb; Belgrade; Sofia; Bucharest;
  Tokyo; Osaka; Kyoto; Seoul; Busan; Hanoi; Jakarta; Manila; Mumbai; Chennai; Lima; Bogota; Quito; Santiago; New York;
  San Diego; San Jose; San Antonio; San Marino; Santa Cruz; Santa Clara; Santa Monica; St Ives; St Andrews; St Albans; St Helier;
  New Haven; New Orleans; Buenos Aires; Newcastle; Norwich; Plymouth; Inverness; Galway; Cork`);

/** Small towns, of the kind a map of England is full of. */
export const TOWNS: string[] = joined(
  'Ash Hart Whit Wex Thorn Mar Alder Bram Col Oak Stour Lang Kirk Tavis Elder Fern Glen Hazel Row Sand',
  'bury ham mouth port wick burgh ton stead',
).concat(
  words('Great Little Upper Lower Port Fort').flatMap((first) =>
    words('Alder Bexley Carrow Denham Elford Hythe').map((second) => `${first} ${second}`),
  ),
);

export const COUNTRIES: string[] = phrases(`Poland; Germany; France; Italy; Spain; Portugal; Greece; Ireland; Belgium;
  Finland; Sweden; Norway; Denmark; Austria; Croatia; Romania; Bulgaria; Moldova; Georgia; Turkey; Egypt; Kenya; Ghana;
  Nigeria; Japan; Vietnam; India; Canada; Mexico; Chile; Peru; Brazil; Argentina; Estonia; Latvia; Lithuania; Iceland;
  Scotland; Wales; South Korea; New Zealand; Ukraine; Slovakia; Slovenia; Morocco; Jordan; Serbia; Albania; Armenia; Bolivia; Cambodia; Colombia; Cuba; Cyprus;
  Ecuador; Ethiopia; Guatemala; Honduras; Hungary; Indonesia; Israel; Jamaica; Kazakhstan; Laos; Lebanon; Malaysia; Malta;
  Mongolia; Namibia; Nepal; Panama; Paraguay; Senegal; Singapore; Switzerland; Tanzania; Thailand; Tunisia; Uganda; Uruguay;
  Zambia; Costa Rica; North Macedonia; Sri Lanka`);

export const RIVERS: string[] =
  words(`Thames Severn Danube Rhine Seine Loire Rhone Elbe Oder Vistula Dnipro Dniester Tisza Po
  Tiber Ebro Tagus Nile Niger Congo Amazon Orinoco Mekong Ganges Indus Volta Hudson Ohio Tyne Tees Trent Avon Clyde Shannon`);

/** Names that become a lake, a mount, a bay or a valley. */
export const NATURE_STEMS: string[] = words(`Victoria Superior Garda Como Geneva Ladoga Placid Louise Tana Malawi Elbrus
  Rainier Logan Robson Cook Olympus Napa Death Hope Moose Eagle Silver Copper Cedar Willow Raven`);

export const STREET_STEMS: string[] =
  words(`Baker Oxford Church Station Victoria Mill Bridge Market Queen Orchard Elm Maple
  Chapel Harbour Castle Garden Regent Abbey Canal Temple Lombard Fleet Carnaby Albion Lansdowne Cromwell`);

/** First words of company names; each is joined to a trade or stands alone. */
export const COMPANY_STEMS: string[] = words(`Northgate Halden Brightwater Calder Ashford Meridian Solaris
  Trident Falmouth Lindholm Kestrel Orion Apex Bluestone Redwood Ironbridge Silverline Amazon Granite Vertex Cobalt
  Harbour Pinnacle Everglade Summit Keystone Bellweather Crestline Dunmore Evercore Foxglove Greystone Hartwell
  Juniper Kingsway Larkspur Maplewood Oakhurst Quantica Riverbend Stellar Tallis Umbra Vantage Westbrook Yarrow`).concat(
  joined('Nor Zen Vel Tri Cor Lum Alt Dex Pra Syn Bel Mag Pol Ver Xan', 'vex tis dyne via core ora plex gen lux'),
);

export const COMPANY_TRADES: string[] = words('Motors Foods Energy Airlines Group Systems Steel Media Pharma Bank');

export const CLUB_ENDINGS: string[] = words('United Rovers City Wanderers Athletic Town Albion');

// Names of the first lists stand after "the", those of COLLEGE_FORMS and ACRONYMS without an article.
export const SCHOOL_FORMS: string[] = phrases('University of *; * School of Economics; * Medical School');
export const COLLEGE_FORMS: string[] = phrases('* University; * College');
export const MUSEUM_FORMS: string[] = phrases(
  '* Museum of Art; Museum of *; * Opera House; * Public Library; * National Theatre',
);
export const COUNCIL_FORMS: string[] = phrases(
  '* City Council; * Police Department; * High Court; * Chamber of Commerce',
);
export const MINISTRY_FORMS: string[] = phrases('Ministry of *; Department of *; Institute of *');
export const MINISTRY_FIELDS: string[] =
  phrases(`Health; Finance; Defence; Education; Agriculture; Justice; Culture; Trade;
  Energy; Transport; Labour; Foreign Affairs; Public Works; Fisheries; Digital Policy; Housing; Tourism;
  Physics; Oceanography; Modern History; Applied Mathematics; Plant Biology; Earth Sciences; Veterans Affairs; Forestry`);

export const ACRONYMS: string[] = phrases(`UNICEF; NASA; UNESCO; OPEC; CERN; FIFA; UEFA; NATO; Greenpeace; Interpol;
  Parliament; Congress; Amnesty International; Oxfam; Europol; ECOWAS; ASEAN; Eurostat`);

export const AGENCIES: string[] =
  phrases(`IMF; WHO; BBC; FAO; FBI; CIA; IAEA; OECD; ILO; Red Cross; World Bank; European
  Union; European Commission; United Nations; Royal Society; Supreme Court; Space Agency; National Trust; Green Party; Labour
  Party; World Trade Organization; African Union; Writers Guild; Historical Society; Geological Society; Chemical Society; Civic
  Party; Liberty Party; National Bank; Central Bank; Investment Bank; Teachers Union; Farmers Union; Medical Association; Press
  Association; Football Association; Football Federation; Chess Federation; Arts Council; Research Council; Film Council;
  Security Council; Energy Agency; Fisheries Commission; Elections Commission; Trade Commission; Weather Service; Forest Service;
  Constitutional Court; Labour Court; Heritage Trust; Wildlife Trust; Actors Guild; Maritime Organization; Labour Organization`);

export const WORKS: string[] = phrases(`The Silent Harbour; A Winter Orchard; Letters from the North; The Glass Bridge;
  Paper Boats; Half a Summer; The Last Lighthouse; Salt and Smoke; Nine Quiet Days; The Weight of Rain; Borrowed Light;
  A House of Doors; The Clockmaker; Night Train; Songs for Nobody; River of Names; Cold Morning; The Beekeeper; Wild Honey;
  Far from the Sea; Dust; The Empty Chair; Stories My Brother Told; Blue Hour; The Long Road Home; Second Spring; Ashes;
  Under the Linden; A Map of Small Things; The Visitor; Small Fires; Between Two Rivers; Tomorrow Never Asked; Echoes;
  The Orchard Keeper; Snow on the Line; Ordinary Miracles; The Tailor of Light; Moonless; Twelve Windows; Homecoming;
  The Salt Path; Strangers at Noon; A Quiet Place to Land; Copper Sky; The Cartographer; Rain Season; Unwritten; Swan Song;
  The Other Shore; Kitchen Table; Learning to Fall; Green Ink; The Violinist; Postcards; A Door in the Wall; Tidewater`).concat(
  titles(
    'Quiet Silver Distant Lonely Broken Forgotten Crimson Hollow',
    'Island River Garden Tower Window Voice Road Season',
  ),
);

export const LAW_STEMS: string[] =
  phrases(`Clean Air; Data Protection; Housing; Food Safety; Freedom of Information; Animal
  Welfare; Equal Pay; Rail Safety; Digital Services; Fair Rents; Coastal Waters; Public Libraries; Mental Health; Road
  Traffic; Energy Security; Adult Education; Patent Reform; Child Care; Cyber Security; Wildlife; Water Resources`);

export const AWARDS: string[] =
  phrases(`Nobel Prize; Booker Prize; Pulitzer Prize; Turner Prize; Grammy Award; Tony Award;
  Emmy Award; Hugo Award; Abel Prize; Kyoto Prize; Costa Award; Wolf Prize; Nebula Award; Orwell Prize;
  Stirling Prize; Whitbread Award; Olivier Award; Holberg Prize; Dagger Award; Templeton Prize; Ivor Award; Neustadt Prize`);

// Cups and festivals stand after "the", holidays without an article.
export const CUPS: string[] =
  phrases(`World Cup; Champions League; Europa League; Davis Cup; Ryder Cup; Gold Cup; Premier League;
  Nations League; Pacific Cup; Baltic Cup; Atlantic Cup; Northern League; Coastal League; Alpine Cup; Lowland League; Heritage
  Cup; Desert Cup; Capital League; Channel Cup; Union League; Liberty Cup; Super League; Harvest Cup; Island League`);
export const HOLIDAYS: string[] =
  phrases(`Christmas; Easter; Halloween; Ramadan; Thanksgiving; Diwali; Midsummer; Epiphany; New Year;
  Independence Day; Labour Day; Hanukkah; Pentecost; Veterans Day; Earth Day; Carnival; Lent; Passover; Boxing Day; Bastille Day`);
export const FESTIVALS: string[] = phrases(
  'Winter Olympics; Summer Olympics; Tour de France; Paralympics; Chelsea Flower Show',
);

export const FESTIVAL_FORMS: string[] = phrases(
  '* Film Festival; * Marathon; * Book Fair; * Jazz Festival; * Grand Prix',
);

export const PRODUCTS: string[] =
  phrases(`Nova 5; Aurora X2; Lumen 300; Vega Pro; Tigra S; Zephyr 12; Condor 4; Aero Mini;
  Quanta Z; Polaris 9; Falcon 50; Mira Note; Helix 3; Iris One; Sonata Max; Delta Lite; Bolt EV; Ranger 400; Comet GT;
  Titan Air; Echo Frame; Pulse 8; Atlas Tab; Cadmus 7; Lynx Watch; Corvid Plus; Spark 20; Terra Go; Ultra Leaf; Quill 11;
  Wave 360; Xenon 11; Zest Duo; Mistral 6; Pebble SE; Tempo; Glider 2; Onyx Book; Fjord 10; Pixie; Stratos; Viper RS;
  Argo 2; Brio Max; Cirrus 70; Dyno Pad; Elan GT; Fuse Mini; Gale 15; Hydra X; Ion Buds; Jolt 3; Kite Pro; Lyra 9; Moto Fox;
  Nimbus 20; Orbit SE; Prism 12; Quark Z5; Rover Kid; Sable 8; Talon EV; Urban Plus; Verve 30; Wisp; Yonder 4; Zorro Lite`);
