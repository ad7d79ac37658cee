"""Names to draw from: common in Canada, belonging to no one in particular; the streets do not exist."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


FEMALE = _names(
    """
    Amelia, Olivia, Emma, Charlotte, Sophia, Isabella, Chloe, Zoé, Renée, Hélène, Geneviève, Mélanie, Aïcha, Fatima,
    Amina, Hodan, Priya, Harpreet, Simran, Jaspreet, Mei, Xiu, Linh, Thuy, Maria, Rosario, Carmen, Lucía, Oksana,
    Halyna, Iryna, Katarzyna, Agnieszka, Ingrid, Astrid, Freya, Siobhán, Margaret, Dorothy, Helen, Patricia,
    Barbara, Susan, Linda, Karen, Nancy, Deborah, Heather, Jennifer, Michelle, Lisa, Kimberly, Amanda, Jessica,
    Ashley, Sarah, Emily, Hannah, Abigail, Madison, Brooklyn, Ava, Mia, Ella, Nora, Hazel, Ivy, Violet, Ruby, Pearl,
    Rose, Winter, Aurora, Kaya, Nizhoni, Dakota, Cheyenne, Nevaeh, Naomi, Leila, Yasmin, Zahra, Noor, Soo-Jin, Yuki,
    Mary Ann, Anne Marie, D'Arcy
    """
)

MALE = _names(
    """
    Liam, Noah, Oliver, William, Benjamin, Lucas, Henry, Theodore, Jacob, Ethan, Mason, Logan, Daniel, Samuel,
    Nathan, Gabriel, Étienne, François, Jean-Luc, André, Rémi, Benoît, Mohamed, Ahmed, Yusuf, Abdi, Ali, Omar,
    Gurpreet, Manpreet, Arjun, Rohan, Wei, Jun, Minh, Duc, José, Ángel, Ramon, Carlos, Mykola, Taras, Bohdan, Ihor,
    Paweł, Łukasz, Lars, Sven, Björn, Seán, Robert, James, John, David, Richard, Thomas, Charles, Kenneth, Donald,
    Gary, Brian, Kevin, Steven, Mark, Paul, Scott, Jason, Ryan, Matthew, Christopher, Joshua, Tyler, Brandon, Cody,
    Dylan, Hunter, Carter, Wyatt, Easton, Jasper, Felix, Hugo, Otto, Stanley, Walter, Harold, Elmer, Cyrus, Tariq,
    Ibrahim, Billy Joe, Jean Paul, D'Angelo
    """
)

FAMILY = _names(
    """
    Smith, Brown, Wilson, Johnson, Campbell, MacDonald, McLeod, Fraser, Stewart, Robertson, Murray, Sinclair,
    Ferguson, Morrison, Tremblay, Gagnon, Roy, Côté, Bouchard, Gauthier, Morin, Lavoie, Fortin, Gagné, Bélanger,
    Lévesque, Pelletier, Leblanc, Cardinal, Müller, Schmidt, Wagner, Friesen, Dyck, Penner, Wiebe, Klassen, Reimer,
    Hofer, Waldner, Stahl, Kleinsasser, Toews, Braun, Kröger, Kowalchuk, Shevchenko, Melnyk, Bondarenko, Hrynchuk,
    Petryshyn, Nowak, Kowalski, Wiśniewski, Lewandowski, Novák, Horváth, Singh, Gill, Sidhu, Dhaliwal, Grewal,
    Sandhu, Brar, Patel, Sharma, Gupta, Khan, Ahmed, Hussain, Malik, Hassan, Mohamed, Warsame, Nguyen, Nguyễn, Tran,
    Le, Pham, Wong, Chan, Lee, Li, Wang, Zhang, Chen, Liu, Kim, Park, Tanaka, Santos, Reyes, Cruz, Garcia, Ramos,
    Hernández, Muñoz, Peña, O'Brien, O'Connor, O'Neill, O'Reilly, D'Souza, D'Amico, N'Diaye, M'Baye, Hansen, Jensen,
    Larsen, Nielsen, Sørensen, Åkesson, Lindström, Bearspaw, Crowfoot, Littlechild, Redcrow, Whitefeather,
    Yellowhorn, Bruno, Cutarm, Saddleback, Taylor, Anderson, Thompson, Martin, White, Harris, Clark, Lewis, Walker,
    Hall, Young, King, Wright, Hill, Green, Baker, Adams, Nelson, van der Berg, de la Cruz, St. Laurent, Le Blanc,
    Two Rivers, Smith-Jones, Côté-O'Hara
    """
)

LONG_FAMILY = (
    "Featherstonehaugh-Montmorency-Cholmondeley",
    "Papadimitrakopoulou-Konstantinopoulou",
    "Wolfeschlegelsteinhausenbergerdorff",
    "Ranasinghe Arachchige Don Wijesekara Mudiyanselage",
)
LONG_GIVEN = (
    "Maria Guadalupe del Carmen Inmaculada",
    "Jean-Baptiste-Alphonse-Maximilien Joseph",
    "Oluwatosinloluwatomiwa Ayomikunoluwa",
)
LONG_MIDDLE = "Anastasia Bernadette Philippa Gwendolyn Wilhelmina Josephine Théodora Evangeline Antoinette Marguerite"

STREETS = (
    "Larkspur Lane",
    "Chickadee Crescent",
    "Muskeg Meadow Road",
    "Saskatoonberry Street",
    "Hoarfrost Avenue",
    "Magpie Way",
    "Coulee Edge Drive",
    "Old Elevator Road",
    "Tamarack Bend",
    "Gopher Hill Close",
    "Chinook Arch Boulevard",
    "Wolf Willow Place",
    "L'Épinette Court",
    "Northern Lights Trail",
)
TOWNS = (
    "Calgary",
    "Edmonton",
    "Red Deer",
    "Lethbridge",
    "Medicine Hat",
    "Airdrie",
    "Okotoks",
    "Lac La Biche",
    "St. Paul",
)
