namespace Brokkr.Core.Filters;

/// <summary>A filter that cannot be compiled; the message is for whoever wrote it.</summary>
public sealed class FilterException : Exception
{
    /// <summary>Creates the exception.</summary>
    public FilterException(string message)
        : base(message) { }

    /// <summary>Creates the exception.</summary>
    public FilterException(string message, Exception inner)
        : base(message, inner) { }

    /// <summary>Creates the exception.</summary>
    public FilterException() { }
}
