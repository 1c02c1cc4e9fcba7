namespace Brokkr.Testing;

/// <summary>Programs of the machine that tests use where they are present.</summary>
public static class Tool
{
    /// <summary>Whether a program is found in a folder of PATH.</summary>
    public static bool IsOnPath(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':').Any(folder => File.Exists(Path.Combine(folder, name)));
}
