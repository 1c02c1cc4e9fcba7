using System.Text;
using Brokkr.Core.Telemetry;
using CsCheck;

namespace Brokkr.Core.Tests.Telemetry;

/// <summary>receiver-and-core §18.18: distinct event types are bounded.</summary>
public sealed class EventTypeTagsTests
{
    [Fact]
    public void Types_beyond_the_capacity_are_unknown_and_those_before_keep_their_name()
    {
        var tags = new EventTypeTags(capacity: 3);
        Assert.Equal(["a", "b", "c", "unknown", "unknown", "a", "c"], "abcdeac".Select(type => tags.Of(Encoding.UTF8.GetBytes([type]))));
    }

    [Fact]
    public void Switched_off_every_type_is_unknown() => Assert.Equal("unknown", new EventTypeTags(enabled: false).Of("t"u8));

    [Fact]
    public void A_very_long_type_is_unknown()
    {
        var tags = new EventTypeTags();
        Assert.Equal("unknown", tags.Of(new byte[EventTypeTags.MaxLength + 1]));
        Assert.Equal("", tags.Of(default));
    }

    [Fact]
    public void A_type_is_its_own_text() =>
        Gen.String[Gen.Char.AlphaNumeric, 0, 20]
            .HashSet[0, 100]
            .Sample(types =>
            {
                var tags = new EventTypeTags(capacity: 100);
                foreach (var type in types.Concat(types))
                {
                    Assert.Equal(type, tags.Of(Encoding.UTF8.GetBytes(type)));
                }
            });

    [Fact]
    public void A_known_type_allocates_nothing()
    {
        var tags = new EventTypeTags();
        tags.Of("com.example.type"u8);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            tags.Of("com.example.type"u8);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
