using System.Globalization;

namespace Brokkr.Core.Configuration;

/// <summary>
/// Reads environment variables by the rules of receiver-and-core §2: booleans are a case-insensitive <c>true</c> or else false, integers are
/// decimal, required ones must be set. Problems are collected; <see cref="ThrowIfInvalid"/> reports all of them at once.
/// </summary>
/// <param name="get">Gives the value of a variable, null where it is not set.</param>
public sealed class EnvironmentReader(Func<string, string?> get)
{
    private readonly List<string> _problems = [];

    /// <summary>Reads the environment of this process.</summary>
    public EnvironmentReader()
        : this(Environment.GetEnvironmentVariable) { }

    /// <summary>What is wrong so far.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>A variable that must be set; empty text, and a problem noted, where it is not.</summary>
    /// <param name="name">Name of the variable.</param>
    /// <param name="meaning">What to set it to, as the end of the sentence "set it to ...".</param>
    public string Required(string name, string meaning)
    {
        if (get(name) is { Length: > 0 } value)
        {
            return value;
        }

        _problems.Add($"{name} is not set: set it to {meaning}.");
        return "";
    }

    /// <summary>A decimal integer that must be set; the minimum, and a problem noted, where it is not or is malformed or out of range.</summary>
    /// <param name="name">Name of the variable.</param>
    /// <param name="meaning">What to set it to, as the end of the sentence "set it to ...".</param>
    /// <param name="minimum">Smallest allowed value.</param>
    /// <param name="maximum">Largest allowed value.</param>
    public int RequiredInteger(string name, string meaning, int minimum = 0, int maximum = int.MaxValue)
    {
        if (get(name) is not { Length: > 0 } text)
        {
            _problems.Add($"{name} is not set: set it to {meaning}.");
            return minimum;
        }

        return Integer(name, text, meaning, minimum, maximum);
    }

    /// <summary>A decimal integer that may be absent; the fallback where it is, a problem noted where it is malformed or out of range.</summary>
    public int OptionalInteger(string name, string meaning, int fallback, int minimum = 0, int maximum = int.MaxValue) =>
        get(name) is { Length: > 0 } text ? Integer(name, text, meaning, minimum, maximum) : fallback;

    /// <summary>A variable that may be absent or empty; null then.</summary>
    public string? Optional(string name) => get(name) is { Length: > 0 } value ? value : null;

    /// <summary>A variable that may be absent, empty or blank; the fallback then.</summary>
    public string Optional(string name, string fallback) => get(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value : fallback;

    /// <summary>True if the variable is <c>true</c> in any case; false for every other value and where it is not set.</summary>
    public bool Flag(string name) => string.Equals(get(name), "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>Notes a problem that was found elsewhere.</summary>
    public void Report(string problem) => _problems.Add(problem);

    /// <summary>Ends the reading.</summary>
    /// <exception cref="ConfigurationException">There are problems; the exception lists them all.</exception>
    public void ThrowIfInvalid()
    {
        if (_problems.Count > 0)
        {
            throw new ConfigurationException([.. _problems]);
        }
    }

    private int Integer(string name, string text, string meaning, int minimum, int maximum)
    {
        if (
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            && value >= minimum
            && value <= maximum
        )
        {
            return value;
        }

        var range = maximum == int.MaxValue ? $"at least {minimum}" : $"from {minimum} to {maximum}";
        _problems.Add($"{name} is \"{text}\", which is no integer {range}: set it to {meaning}.");
        return minimum;
    }
}
