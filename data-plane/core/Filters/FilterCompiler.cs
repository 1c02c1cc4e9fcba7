using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Filters.Cesql;
using Google.Protobuf.Collections;

namespace Brokkr.Core.Filters;

/// <summary>Turns the filters of the contract into ones that run on events (receiver-and-core §13, dispatcher §6).</summary>
public static class FilterCompiler
{
    private const int MaxDepth = 64;

    /// <summary>A filter that lets every event pass.</summary>
    public static EventFilter Everything { get; } = new ConstantFilter(true);

    /// <summary>Compiles the filter of an egress: the dialected filters, all of which must match; else the attributes; else everything passes.</summary>
    /// <param name="egress">The egress.</param>
    /// <param name="keys">For CESQL's <c>KN_VERIFY_CORRELATION_ID</c>; null where there are none.</param>
    /// <exception cref="FilterException">A filter is not valid or not supported.</exception>
    public static EventFilter Compile(Egress egress, ICorrelationKeys? keys = null)
    {
        if (egress.DialectedFilter.Count > 0)
        {
            return All(Many(egress.DialectedFilter, 1, keys));
        }

        return egress.Filter is { } filter ? Attributes(filter.Attributes, Comparison.Exact) : Everything;
    }

    /// <summary>Compiles a list of filters, all of which must match.</summary>
    /// <exception cref="FilterException">A filter is not valid or not supported.</exception>
    public static EventFilter Compile(IReadOnlyList<DialectedFilter> filters) => All(Many(filters, 1, null));

    /// <summary>Compiles one filter; one of no dialect lets everything pass.</summary>
    /// <exception cref="FilterException">The filter is not valid or not supported.</exception>
    public static EventFilter Compile(DialectedFilter filter) => Compile(filter, 1, null);

    private static EventFilter Compile(DialectedFilter? filter, int depth, ICorrelationKeys? keys)
    {
        if (depth > MaxDepth)
        {
            throw new FilterException($"Filters are nested more than {MaxDepth} deep.");
        }

        return filter?.FilterCase switch
        {
            DialectedFilter.FilterOneofCase.Exact => Attributes(filter.Exact.Attributes, Comparison.Exact),
            DialectedFilter.FilterOneofCase.Prefix => Attributes(filter.Prefix.Attributes, Comparison.Prefix),
            DialectedFilter.FilterOneofCase.Suffix => Attributes(filter.Suffix.Attributes, Comparison.Suffix),
            DialectedFilter.FilterOneofCase.All => All(Many(filter.All.Filters, depth + 1, keys)),
            DialectedFilter.FilterOneofCase.Any => Any(Many(filter.Any.Filters, depth + 1, keys)),
            DialectedFilter.FilterOneofCase.Not => new NotFilter(Compile(filter.Not.Filter, depth + 1, keys)),
            DialectedFilter.FilterOneofCase.Cesql => CesqlExpression.Compile(filter.Cesql.Expression, keys),
            _ => Everything,
        };
    }

    private static EventFilter[] Many(IReadOnlyList<DialectedFilter> filters, int depth, ICorrelationKeys? keys)
    {
        var compiled = new EventFilter[filters.Count];
        for (var i = 0; i < compiled.Length; i++)
        {
            compiled[i] = Compile(filters[i], depth, keys);
        }

        return compiled;
    }

    private static EventFilter All(EventFilter[] filters) =>
        filters.Length switch
        {
            0 => Everything,
            1 => filters[0],
            _ => new AllFilter(filters),
        };

    private static EventFilter Any(EventFilter[] filters) =>
        filters.Length switch
        {
            0 => new ConstantFilter(false),
            1 => filters[0],
            _ => new AnyFilter(filters),
        };

    private static EventFilter Attributes(MapField<string, string> attributes, Comparison comparison)
    {
        var filters = new List<EventFilter>(attributes.Count);
        foreach (var (name, expected) in attributes)
        {
            // An empty value means "any", even absent.
            if (expected.Length > 0)
            {
                filters.Add(AttributeFilter.Create(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(expected), comparison));
            }
        }

        return All([.. filters]);
    }
}
