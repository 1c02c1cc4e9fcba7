using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Core.Filters;
using CsCheck;
using static Brokkr.Core.Tests.Events.EventTexts;
using static Brokkr.Core.Tests.Filters.FilterTexts;

namespace Brokkr.Core.Tests.Filters;

/// <summary>Random filters on random events against a model that works on strings; and what evaluating them costs.</summary>
public sealed class FilterModelTests
{
    private static readonly string[] Names =
    [
        "id",
        "type",
        "source",
        "subject",
        "dataschema",
        "specversion",
        "datacontenttype",
        "time",
        "a",
        "b",
        "over",
    ];
    private static readonly string[] Values = ["", "x", "xy", "xyx", "yx", "ü", "1.0"];
    private static readonly Gen<string> Name = Gen.Int[0, Names.Length - 1].Select(i => Names[i]);
    private static readonly Gen<string> Value = Gen.Int[0, Values.Length - 1].Select(i => Values[i]);

    private static readonly Gen<Dictionary<string, string>> Attributes = Gen.Dictionary(
        Gen.OneOf(Gen.Const("subject"), Gen.Const("dataschema"), Gen.Const("a"), Gen.Const("b"), Gen.Const("id"), Gen.Const("type")),
        Value.Where(v => v.Length > 0)
    )[0, 6];

    private static readonly Gen<DialectedFilter> Filters = Gen.Recursive<DialectedFilter>(
        (depth, self) =>
        {
            var attributes = Gen.Dictionary(Name, Value)[0, 3].Select(d => d.Select(p => (p.Key, p.Value)).ToArray());
            var leaf = Gen.Select(Gen.Int[0, 2], attributes)
                .Select(
                    (kind, a) =>
                        kind == 0 ? Exact(a)
                        : kind == 1 ? Prefix(a)
                        : Suffix(a)
                );
            return depth > 4
                ? leaf
                : Gen.OneOf(leaf, self.Array[0, 3].Select(f => All(f)), self.Array[0, 3].Select(f => Any(f)), self.Select(f => Not(f)));
        }
    );

    [Fact]
    public void Agree_with_a_naive_model()
    {
        Gen.Select(Filters, Attributes, Gen.OneOf(Gen.Const((string?)null), Value.Select(v => (string?)v)))
            .Sample(
                (filter, attributes, over) =>
                {
                    var e = Event([.. attributes.Select(a => ("ce-" + a.Key, (string?)HttpBinding.EncodeValue(Utf8(a.Value))))]);
                    var overlay = over is null
                        ? EventOverlay.Empty
                        : new EventOverlay([new(Utf8("over"), Utf8(over), AttributeType.String)]);
                    var seen = new Dictionary<string, string>(attributes);
                    seen.TryAdd("id", "i-1");
                    seen.TryAdd("type", "t.x");
                    seen.TryAdd("source", "/src");
                    seen.TryAdd("specversion", "1.0");
                    if (over is not null)
                    {
                        seen["over"] = over;
                    }

                    return FilterCompiler.Compile(filter).Matches(new FilterInput(e, overlay)) == Model(filter, seen);
                }
            );
    }

    [Fact]
    public void Evaluation_allocates_nothing_on_a_hit_or_a_miss()
    {
        var e = Event(("ce-time", "2024-01-02T03:04:05.12+01:00"), ("ce-subject", "s"), ("ce-ext", "v"), ("ce-other", "w"));
        var overlay = new EventOverlay([new(Utf8("knativekafkaoffset"), Utf8("7"), AttributeType.Integer)]);
        EventFilter[] filters =
        [
            FilterCompiler.Compile(Exact(("type", "t.x"), ("ext", "v"))),
            FilterCompiler.Compile(Exact(("type", "no"))),
            FilterCompiler.Compile(Exact(("missing", "no"))),
            FilterCompiler.Compile(Exact(("time", "2024-01-02T02:04:05.120Z"))),
            FilterCompiler.Compile(Prefix(("time", "2025"))),
            FilterCompiler.Compile(All(Prefix(("source", "/")), Suffix(("subject", "s")), Exact(("knativekafkaoffset", "7")))),
            FilterCompiler.Compile(Any(Exact(("id", "no")), Not(Exact(("other", "w"))))),
        ];
        Assert.Equal([true, false, false, true, false, true, false], filters.Select(f => f.Matches(new FilterInput(e, overlay))));
        foreach (var filter in filters)
        {
            Assert.Equal(0, Allocated(() => filter.Matches(new FilterInput(e, overlay))));
        }
    }

    private static bool Model(DialectedFilter filter, Dictionary<string, string> seen)
    {
        bool Each(IDictionary<string, string> attributes, Func<string, string, bool> matches) =>
            attributes.All(a => a.Value.Length == 0 || (seen.TryGetValue(a.Key, out var value) && matches(value, a.Value)));
        return filter.FilterCase switch
        {
            DialectedFilter.FilterOneofCase.Exact => Each(filter.Exact.Attributes, string.Equals),
            DialectedFilter.FilterOneofCase.Prefix => Each(filter.Prefix.Attributes, (v, x) => v.StartsWith(x, StringComparison.Ordinal)),
            DialectedFilter.FilterOneofCase.Suffix => Each(filter.Suffix.Attributes, (v, x) => v.EndsWith(x, StringComparison.Ordinal)),
            DialectedFilter.FilterOneofCase.All => filter.All.Filters.All(f => Model(f, seen)),
            DialectedFilter.FilterOneofCase.Any => filter.Any.Filters.Any(f => Model(f, seen)),
            _ => !Model(filter.Not.Filter, seen),
        };
    }
}
