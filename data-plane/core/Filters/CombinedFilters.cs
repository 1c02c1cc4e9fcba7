namespace Brokkr.Core.Filters;

/// <summary>Always the same answer.</summary>
internal sealed class ConstantFilter(bool answer) : EventFilter
{
    public override bool Matches(in FilterInput input) => answer;
}

/// <summary>Every filter matches; asks them in the order given and stops at the first that does not.</summary>
internal sealed class AllFilter(EventFilter[] filters) : EventFilter
{
    public override bool Matches(in FilterInput input)
    {
        foreach (var filter in filters)
        {
            if (!filter.Matches(input))
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>At least one filter matches; asks them in the order given and stops at the first that does.</summary>
internal sealed class AnyFilter(EventFilter[] filters) : EventFilter
{
    public override bool Matches(in FilterInput input)
    {
        foreach (var filter in filters)
        {
            if (filter.Matches(input))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>The filter does not match.</summary>
internal sealed class NotFilter(EventFilter filter) : EventFilter
{
    public override bool Matches(in FilterInput input) => !filter.Matches(input);
}
