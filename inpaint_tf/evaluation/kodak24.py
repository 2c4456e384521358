"""The 24 Kodak PhotoCD images (released by Kodak for unrestricted use): number -> `masks.manifest.pixel_hash`.

The PNG files are known as kodim01.png ... kodim24.png; the hash is that of the decoded pixels, whatever the file is
called.
"""

KODAK24 = {
    "kodim01": "91dbd3d22c1a47ac7e77a227e7bc91d7b9ec2a8351d8e2dc776b72aba21ea0de",
    "kodim02": "5605c198c495c4cbb0d726c6f456d69d857b50a551cabd0c888078f213843a3b",
    "kodim03": "554b5e34007a5db26aa55b54690921f35bea6d00e057991a9ee516aefaa19001",
    "kodim04": "787e8a9851a345550b06a41fe35a9b15b3c7a908d9cd03daf03327f8c070cbac",
    "kodim05": "58ff084bb0329a4b6c1fd1fa263d288e25d6e0af9f1a125bf391f751fa219fbe",
    "kodim06": "275b6df4f13aaafb9d43b8f296e9c8b29f5567dca83e7360b626f05a810f5833",
    "kodim07": "c6e2e5c55aab2c18b5534510c2d7b62903c4757b3a110da30b4055225de690c9",
    "kodim08": "bf7b934265d517e142a5adcd8687419d18a5b4e77a7d6bf30aaa4c9e39d43ee5",
    "kodim09": "49c94c09d8a800f79ccf63e293d3ab9616ae89169d23552da58105e68e7d46ca",
    "kodim10": "27711e42e3e77c81f55b9c114ce11a1b8bd885816e7c54f0c2e9bfdaa8538f6e",
    "kodim11": "eeacd461a8f1a29bf295c3dbf49a9bcd6ab57963cd1cb5068db74fa0ea48f3be",
    "kodim12": "6034e8e8be4fa3ee3e0650583818c5188ce49a2a9d8262f90a25eaed10062775",
    "kodim13": "e7d0781bd9a4eeb4bc1f9f6748128098c5201386e15b38be5c8f6aeeca6618bf",
    "kodim14": "9802368cbc5a84924e9a82ec1488ff24efa54dffa193e3d4095c940472a6de85",
    "kodim15": "9197f6d3dd2a4ea68bb5430e5b26e13f010bdac7a7184496cda4d776979b2ca3",
    "kodim16": "3ac7fdf10961d89d717a069cb12c96429e7a1a698f44e339312a1af052836478",
    "kodim17": "94d8403a4656d8ed388b910d5660a52951490f66105ccacfcd024e988ea5f28e",
    "kodim18": "c5879a21dc232770a28025eb07d84ce66bdb30eb1a10f8e0cd528835d49fe719",
    "kodim19": "f02e65821ed2a183a0e4189aa29f61df6e0764e014bdaabdd4e831bc3e007d7b",
    "kodim20": "2067ed84412d3a58c17dee236c0623b1b6cbf33cd9b3e2c3e1cb6c78b3b99ec9",
    "kodim21": "fd586b17f9f55f0b0f4d7bcd61ff95ca68f9194aedf4fcff849f1677485271ae",
    "kodim22": "6cfcce2b06a0c7b98e8c14b79e755e312eb3a669c1d976d5f44761247fbae838",
    "kodim23": "620806c55cda9077718ccaff8389b489470f0fd2b05556f4ed99530145fda9c8",
    "kodim24": "11ee11290ba9cb7ac18f08dad7ae6ddf3d3da3d296e5083fd4213074179f1899",
}
