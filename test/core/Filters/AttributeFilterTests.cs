using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Filters;
using static Brokkr.Core.Tests.Events.EventTexts;
using static Brokkr.Core.Tests.Filters.FilterTexts;
using static Brokkr.Core.Tests.Filters.ObservedEvents;

namespace Brokkr.Core.Tests.Filters;

/// <summary>receiver-and-core §13, dispatcher §6, OEG-11, DEV-07, DEV-08: the events and filters on which the original was observed.</summary>
public sealed class AttributeFilterTests
{
    private static string Legacy(params (string, string)[] attributes)
    {
        var egress = new Egress { Filter = new Filter() };
        foreach (var (name, value) in attributes)
        {
            egress.Filter.Attributes.Add(name, value);
        }

        return PassingOf(FilterCompiler.Compile(egress));
    }

    private static string Passing(params DialectedFilter[] filters)
    {
        var egress = new Egress();
        egress.DialectedFilter.AddRange(filters);
        return PassingOf(FilterCompiler.Compile(egress));
    }

    /// <summary>RTE-17.</summary>
    [Fact]
    public void Without_a_filter_everything_passes()
    {
        Assert.Equal("abcdefgh", PassingOf(FilterCompiler.Compile(new Egress())));
        Assert.Equal("abcdefgh", Legacy());
    }

    [Theory]
    [InlineData("type", "order.created", "afh")]
    [InlineData("type", "Order.Created", "")]
    [InlineData("color", "red", "af")]
    [InlineData("missing", "x", "")]
    [InlineData("id", "c", "c")]
    [InlineData("subject", "item-1", "a")]
    [InlineData("TYPE", "order.created", "")]
    [InlineData("COLOR", "red", "")]
    [InlineData("specversion", "0.3", "h")]
    [InlineData("datacontenttype", "application/json", "af")]
    [InlineData("dataschema", "http://x/schema", "a")]
    [InlineData("dataschema", "http://x/old", "h")]
    [InlineData("schemaurl", "http://x/schema", "a")]
    [InlineData("time", "2024-01-02T03:04:05Z", "af")]
    [InlineData("time", "2024-01-02T05:04:05+02:00", "")]
    [InlineData("time", "2024-01-02T03:04:05.500Z", "b")]
    [InlineData("time", "2024-01-02T03:04:05.5Z", "")]
    [InlineData("type", "größe", "g")]
    [InlineData("n", "5", "af")]
    [InlineData("flag", "true", "bf")]
    [InlineData("knativekafkaoffset", "2", "c")]
    [InlineData("data", "x", "")]
    public void OEG_11_exact_compares_whole_values(string name, string value, string passing)
    {
        Assert.Equal(passing, Legacy((name, value)));
        Assert.Equal(passing, Passing(Exact((name, value))));
    }

    [Theory] // as observed, and not as DEV-07 would have it: an empty value asks for nothing
    [InlineData("type")]
    [InlineData("missing")]
    [InlineData("color")]
    [InlineData("subject")]
    public void DEV_07_an_empty_value_means_any_even_absent(string name)
    {
        Assert.Equal("abcdefgh", Legacy((name, "")));
        Assert.Equal("abcdefgh", Passing(Exact((name, ""))));
        Assert.Equal("abcdefgh", Passing(Prefix((name, ""))));
        Assert.Equal("abcdefgh", Passing(Suffix((name, ""))));
        Assert.Equal("af", Legacy((name, ""), ("n", "5")));
    }

    /// <summary>RTE-16.</summary>
    [Fact]
    public void All_attributes_must_match()
    {
        Assert.Equal("a", Legacy(("type", "order.created"), ("source", "/shop/eu")));
        Assert.Equal("af", Passing(Exact(("type", "order.created"), ("color", "red"))));
    }

    [Fact]
    public void Dialected_filters_win_and_all_must_match()
    {
        var egress = new Egress { Filter = new Filter() };
        egress.Filter.Attributes.Add("type", "t");
        egress.DialectedFilter.Add(Exact(("type", "order.created")));
        Assert.Equal("afh", PassingOf(FilterCompiler.Compile(egress)));
        egress.DialectedFilter.Add(Suffix(("color", "ed")));
        Assert.Equal("af", PassingOf(FilterCompiler.Compile(egress)));
    }

    [Theory] // DEV-08: an absent attribute is no match
    [InlineData("type", "order.", "abfh")]
    [InlineData("type", "Order", "")]
    [InlineData("source", "/shop", "abc")]
    [InlineData("id", "a", "a")]
    [InlineData("subject", "item-", "abh")]
    [InlineData("color", "re", "afh")]
    [InlineData("datacontenttype", "application/", "af")]
    [InlineData("time", "2024-01", "abf")]
    [InlineData("time", "2024-01-02T03:04:05.", "b")]
    public void DEV_08_prefix(string name, string value, string passing) => Assert.Equal(passing, Passing(Prefix((name, value))));

    [Theory]
    [InlineData("type", ".created", "adfh")]
    [InlineData("subject", "2", "b")]
    [InlineData("color", "ed", "acf")]
    [InlineData("id", "xxxxxx", "")]
    [InlineData("time", "5Z", "af")]
    public void DEV_08_suffix(string name, string value, string passing) => Assert.Equal(passing, Passing(Suffix((name, value))));

    [Fact]
    public void Not_of_an_absent_attribute_matches()
    {
        Assert.Equal("bcdeg", Passing(Not(Exact(("type", "order.created")))));
        Assert.Equal("abcdefgh", Passing(Not(Exact(("missing", "x")))));
        Assert.Equal("acdefgh", Passing(Not(Suffix(("subject", "2")))));
        Assert.Equal("bcdeg", Passing(Not(Prefix(("color", "re")))));
        Assert.Equal("af", Passing(Not(Not(Exact(("color", "red"))))));
    }

    [Fact]
    public void All_and_any()
    {
        Assert.Equal("af", Passing(All(Exact(("type", "order.created")), Exact(("color", "red")))));
        Assert.Equal("abcdefgh", Passing(All()));
        Assert.Equal("b", Passing(All(Exact(("color", "blue")))));
        Assert.Equal("bd", Passing(Any(Exact(("color", "blue")), Suffix(("source", "EU")))));
        Assert.Equal("", Passing(Any()));
        Assert.Equal("b", Passing(Any(Exact(("color", "blue")))));
        Assert.Equal("abeh", Passing(Any(Prefix(("subject", "item-")), Exact(("id", "e")))));
    }

    [Fact]
    public void A_filter_of_no_dialect_passes_and_its_negation_does_not()
    {
        Assert.Equal("abcdefgh", Passing(new DialectedFilter()));
        Assert.Equal("abcdefgh", Passing(Exact()));
        Assert.Equal("", Passing(new DialectedFilter { Not = new Not() }));
    }

    [Fact]
    public void The_overlay_wins_over_the_event()
    {
        var overlay = new EventOverlay([new(Utf8("color"), Utf8("green"), AttributeType.String)]);
        Assert.True(FilterCompiler.Compile(Exact(("color", "green"))).Matches(new FilterInput(ObservedEvents.All[0].Event, overlay)));
        Assert.False(FilterCompiler.Compile(Exact(("color", "red"))).Matches(new FilterInput(ObservedEvents.All[0].Event, overlay)));
    }

    [Fact]
    public void What_cannot_be_compiled_says_why()
    {
        var deep = Exact(("a", "b"));
        for (var i = 0; i < 100; i++)
        {
            deep = Not(deep);
        }

        var cesql = Sql("type = ");
        Assert.Contains("at character 8", Assert.Throws<FilterException>(() => FilterCompiler.Compile(Not(All(cesql)))).Message);
        Assert.Contains("nested", Assert.Throws<FilterException>(() => FilterCompiler.Compile(deep)).Message);
    }
}
