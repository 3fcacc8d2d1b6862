async def test_smoke(world, analytics):
    ada = world.person("member", world.channel)
    await world.publish(*[world.message(ada) for _ in range(100)])
    await analytics.counted()
    assert await analytics.count() == 100
    lines = await analytics.verify()
    assert lines[-1]["differences"] == 0, lines
