namespace Brokkr.Core.Configuration;

/// <summary>The process cannot start with the settings it was given. The message is for the person who set them and names every problem found.</summary>
public sealed class ConfigurationException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="problems">One sentence each: what is wrong and what to set.</param>
    public ConfigurationException(IReadOnlyList<string> problems)
        : base(string.Join(Environment.NewLine, problems)) => Problems = problems;

    /// <summary>Creates the exception.</summary>
    public ConfigurationException(string message)
        : this([message]) { }

    /// <summary>Creates the exception.</summary>
    public ConfigurationException(string message, Exception inner)
        : base(message, inner) => Problems = [message];

    /// <summary>Creates the exception.</summary>
    public ConfigurationException()
        : this([]) { }

    /// <summary>One sentence each: what is wrong and what to set.</summary>
    public IReadOnlyList<string> Problems { get; }
}
