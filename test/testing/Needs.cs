namespace Brokkr.Testing;

/// <summary>
/// What a test needs from the machine: a server or program that the project does not bring itself. Where it is missing the test is skipped, saying so; in
/// CI (<c>CI=true</c>) it must be there, and the test fails.
/// </summary>
public static class Needs
{
    /// <summary>Skips or fails the test where something is missing.</summary>
    /// <param name="missing">What is missing and how to get it; null when nothing is.</param>
    public static void Present(string? missing)
    {
        if (missing is null)
        {
            return;
        }

        Assert.False(
            string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase),
            $"In CI this must be there: {missing}"
        );
        Assert.Skip(missing);
    }

    /// <summary>Skips or fails the test where a program is not in a folder of PATH.</summary>
    /// <param name="name">Name of the program.</param>
    public static void Program(string name) => Present(Tool.IsOnPath(name) ? null : $"{name} is not on PATH.");
}
