namespace Brokkr.Kubernetes.Api;

/// <summary>Something that the connection needs, a certificate or a token: in a file, which is read again whenever it is needed, or given. Never printed.</summary>
public sealed class ApiMaterial
{
    private readonly string? _file;
    private readonly string? _text;

    private ApiMaterial(string? file, string? text)
    {
        _file = file;
        _text = text;
    }

    /// <summary>What is in a file, as it is whenever it is needed.</summary>
    public static ApiMaterial InFile(string path) => new(path, null);

    /// <summary>This text.</summary>
    public static ApiMaterial Given(string text) => new(null, text);

    /// <inheritdoc/>
    public override string ToString() => _file ?? "(given)";

    /// <summary>The text now.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    internal string Read() => _text ?? File.ReadAllText(_file!);
}
