using Brokkr.Core.Contract.Wire;

namespace Brokkr.Core.Tests.Filters;

/// <summary>Makes filters of the contract.</summary>
internal static class FilterTexts
{
    public static DialectedFilter Exact(params (string, string)[] attributes) =>
        new() { Exact = Fill(new Exact(), f => f.Attributes, attributes) };

    public static DialectedFilter Prefix(params (string, string)[] attributes) =>
        new() { Prefix = Fill(new Prefix(), f => f.Attributes, attributes) };

    public static DialectedFilter Suffix(params (string, string)[] attributes) =>
        new() { Suffix = Fill(new Suffix(), f => f.Attributes, attributes) };

    public static DialectedFilter Not(DialectedFilter filter) => new() { Not = new Not { Filter = filter } };

    public static DialectedFilter Sql(string expression) => new() { Cesql = new CESQL { Expression = expression } };

    public static DialectedFilter All(params DialectedFilter[] filters)
    {
        var all = new All();
        all.Filters.AddRange(filters);
        return new DialectedFilter { All = all };
    }

    public static DialectedFilter Any(params DialectedFilter[] filters)
    {
        var any = new Any();
        any.Filters.AddRange(filters);
        return new DialectedFilter { Any = any };
    }

    private static T Fill<T>(T filter, Func<T, IDictionary<string, string>> attributesOf, (string Name, string Value)[] attributes)
    {
        foreach (var (name, value) in attributes)
        {
            attributesOf(filter).Add(name, value);
        }

        return filter;
    }
}
