using Brokkr.Core.Events;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Events;

/// <summary>dispatcher §4.6.</summary>
public sealed class EventOverlayTests
{
    [Fact]
    public void Of_equal_names_the_last_wins_and_takes_the_last_place()
    {
        var overlay = new EventOverlay([
            new(Utf8("a"), Utf8("1"), AttributeType.Integer),
            new(Utf8("b"), Utf8("2"), AttributeType.String),
            new(Utf8("a"), Utf8("3"), AttributeType.String),
        ]);
        Assert.Equal(["b=2", "a=3"], overlay.Extensions.ToArray().Select(e => $"{Text(e.Name)}={Text(e.Value)}"));
        Assert.True(overlay.TryGet("a"u8, out var value) && value.SequenceEqual("3"u8));
        Assert.False(overlay.TryGet("c"u8, out _));
    }

    [Fact]
    public void The_empty_overlay_has_nothing() => Assert.True(EventOverlay.Empty.Extensions.IsEmpty);
}
